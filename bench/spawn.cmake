add_executable(bench_spawn "${CMAKE_CURRENT_LIST_DIR}/spawn.cc")
target_link_libraries(bench_spawn PRIVATE dml_options dml::agent dml::base fmt::fmt Boost::headers Boost::filesystem
                                          Boost::system Threads::Threads)
# The asynchronous half of the header is not used, and its warnings are not ours.
target_compile_options(bench_spawn PRIVATE -w)
