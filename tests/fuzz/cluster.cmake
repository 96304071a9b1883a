dml_fuzzer(wire LIBS dml::node)
dml_fuzzer(inventory LIBS dml::ssh)
