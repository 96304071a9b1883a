add_executable(bench_relational relational.cc)
target_link_libraries(bench_relational PRIVATE dml_options bench_peers dml::steps dml::table)
