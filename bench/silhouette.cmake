add_executable(bench_silhouette silhouette.cc)
target_link_libraries(bench_silhouette PRIVATE dml_options dml::learn)
