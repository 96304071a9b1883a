dml_fuzzer(csv LIBS dml::table)
dml_fuzzer(csv_records LIBS dml::table)
dml_fuzzer(svmlight LIBS dml::table)
dml_fuzzer(table LIBS dml::table)
