add_library(bench_peers STATIC "${CMAKE_CURRENT_LIST_DIR}/peers.cc")
target_link_libraries(bench_peers PRIVATE dml_options)
target_include_directories(bench_peers PUBLIC "${PROJECT_SOURCE_DIR}")
