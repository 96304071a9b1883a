add_executable(bench_scheduler "${CMAKE_CURRENT_LIST_DIR}/scheduler.cc")
target_link_libraries(bench_scheduler PRIVATE dml::engine dml::pipelines fmt::fmt)
