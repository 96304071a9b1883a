add_executable(bench_scheduler scheduler.cc)
target_link_libraries(bench_scheduler PRIVATE dml::engine dml::pipelines fmt::fmt)
