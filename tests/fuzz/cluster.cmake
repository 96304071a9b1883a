dml_fuzzer(wire LIBS dml::node)
dml_fuzzer(answers LIBS dml::ssh)
dml_fuzzer(inventory LIBS dml::ssh)
dml_fuzzer(transfers LIBS dml::ssh)
