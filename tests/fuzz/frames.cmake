dml_fuzzer(frames LIBS dml::runners_api)
