add_executable(bench_recovery "${CMAKE_CURRENT_LIST_DIR}/recovery.cc")
target_link_libraries(bench_recovery PRIVATE dml::base dml::state fmt::fmt)
