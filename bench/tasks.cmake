add_executable(bench_tasks "${CMAKE_CURRENT_LIST_DIR}/tasks.cc")
target_link_libraries(bench_tasks PRIVATE dml_options bench_peers dml::base fmt::fmt)
target_compile_definitions(bench_tasks PRIVATE DML_PROGRAM="$<TARGET_FILE:dml>"
                                               DML_BENCH_DIR="${CMAKE_CURRENT_LIST_DIR}")
add_dependencies(bench_tasks dml)
