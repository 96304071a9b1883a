dml_fuzzer(yaml LIBS dml::pipelines)
