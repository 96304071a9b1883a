add_executable(bench_learn "${CMAKE_CURRENT_LIST_DIR}/learn.cc")
target_link_libraries(bench_learn PRIVATE dml_options bench_peers dml::learn dml::base fmt::fmt)
target_compile_definitions(bench_learn PRIVATE DML_BENCH_DIR="${CMAKE_CURRENT_LIST_DIR}")
