add_executable(bench_load "${CMAKE_CURRENT_LIST_DIR}/load.cc")
target_link_libraries(bench_load PRIVATE dml_options bench_peers dml::table dml::base fmt::fmt)
target_compile_definitions(bench_load PRIVATE DML_BENCH_DIR="${CMAKE_CURRENT_LIST_DIR}")
