add_executable(bench_learn learn.cc)
target_link_libraries(bench_learn PRIVATE dml::learn)
