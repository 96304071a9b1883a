find_package(GTest REQUIRED)
add_executable(bench_cluster "${CMAKE_CURRENT_LIST_DIR}/cluster.cc"
                             "${CMAKE_CURRENT_LIST_DIR}/cluster_bytes.cc"
                             "${PROJECT_SOURCE_DIR}/tests/ssh/fault_proxy.cc"
                             "${PROJECT_SOURCE_DIR}/tests/ssh/machine.cc"
                             "${PROJECT_SOURCE_DIR}/tests/ssh/sshd_fixture.cc")
target_link_libraries(bench_cluster PRIVATE dml_options dml::ssh fmt::fmt GTest::gtest)
target_compile_definitions(bench_cluster PRIVATE DML_BINARY_DIR="${CMAKE_BINARY_DIR}")
add_dependencies(bench_cluster dml dml-worker)
