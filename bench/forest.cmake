add_executable(bench_forest forest.cc)
target_link_libraries(bench_forest PRIVATE dml_options bench_peers dml::learn)
