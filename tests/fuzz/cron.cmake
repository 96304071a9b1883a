dml_fuzzer(cron LIBS dml::schedule)
