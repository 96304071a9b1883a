dml_fuzzer(sql_expression LIBS dml::sql)
