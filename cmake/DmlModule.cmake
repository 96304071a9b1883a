# dml_module(name SOURCES... [ALONE sources...] [PUBLIC libs...] [PRIVATE libs...])
#   A static library dml_<name>, alias dml::<name>, with the project's warnings and include root.
# dml_test(name SOURCES... [ALONE sources...] LIBS...)
#   A GoogleTest binary, its cases registered with CTest under the labels given by LABELS.
# ALONE names those of the sources that are not compiled together with others (DML_UNITY): two of
# them use one name for two things, each in a namespace of its own file; or a file is compiled once
# per instruction set.

add_library(dml_options INTERFACE)
target_include_directories(dml_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(
  dml_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Wswitch-enum
            -Wunused-result
            -fno-omit-frame-pointer)
# GCC 12 sees overlaps in inlined std::string code where there are none (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(dml_options INTERFACE -Wno-restrict)
endif()
# Contraction would let the compiler fuse a*b+c in some builds only: results must not depend on it.
target_compile_options(dml_options INTERFACE -ffp-contract=off)
if(DML_WERROR)
  target_compile_options(dml_options INTERFACE -Werror)
endif()
if(DML_SANITIZE)
  target_compile_options(dml_options INTERFACE -fsanitize=${DML_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(dml_options INTERFACE -fsanitize=${DML_SANITIZE})
endif()
find_program(DML_CCACHE ccache)
if(DML_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${DML_CCACHE}")
endif()

# What is under test is optimised; the tests themselves only have to compile quickly.
set(test_options $<$<CONFIG:Release>:-O1>)

# A build from nothing spends a third of its time on the same few headers. Left off where ccache
# serves several build folders: compilations with a precompiled header are not shared by them.
option(DML_PCH "Precompile the headers that most files include" OFF)
if(DML_PCH)
  # GCC 12 then forgets which code is the library's, and warns of overflows that it has imagined.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(dml_options INTERFACE -Wno-array-bounds -Wno-stringop-overflow
                                                 -Wno-stringop-overread)
  endif()
  # The definitions of fmt, which the precompiled header has to share with its users, and not the
  # library: dml-worker links another one.
  target_compile_definitions(dml_options
                             INTERFACE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)
  file(WRITE "${CMAKE_BINARY_DIR}/precompiled.cc" "")
  set(common_headers <algorithm> <filesystem> <functional> <map> <optional> <string> <variant>
                     <vector> <fmt/format.h> <nlohmann/json.hpp>)
  add_library(dml_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
  target_link_libraries(dml_precompiled PRIVATE dml_options)
  target_precompile_headers(dml_precompiled PRIVATE ${common_headers})
  if(DML_TESTS)
    add_library(dml_precompiled_tests OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
    target_link_libraries(dml_precompiled_tests PRIVATE dml_options)
    target_compile_options(
      dml_precompiled_tests
      PRIVATE ${test_options} $<TARGET_PROPERTY:GTest::gtest,INTERFACE_COMPILE_OPTIONS>)
    target_precompile_headers(dml_precompiled_tests PRIVATE ${common_headers} <gtest/gtest.h>)
  endif()
endif()

# Most of a compilation is spent on headers and on the templates that they bring. Who builds from
# nothing compiles several files of a folder as one; who works on one of them does not want that.
option(DML_UNITY "Compile several files of a folder as one" OFF)
set(unity_files 8)
# Without optimisation even more of it is what the files have in common.
if(DML_SANITIZE)
  set(unity_files 16)
endif()
# A local name may then be that of a function in another file.
if(DML_UNITY)
  target_compile_options(dml_options INTERFACE -Wno-shadow)
endif()

function(dml_compile_together target alone)
  if(NOT DML_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${unity_files})
  set_source_files_properties(${alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(dml_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;ALONE;PUBLIC;PRIVATE" ${ARGN})
  add_library(dml_${name} STATIC ${arg_SOURCES})
  add_library(dml::${name} ALIAS dml_${name})
  target_link_libraries(
    dml_${name}
    PUBLIC dml_options ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE})
  dml_compile_together(dml_${name} "${arg_ALONE}")
  if(DML_SANITIZE AND name STREQUAL learn)
    # Kernels that are not inlined take minutes for what takes seconds.
    target_compile_options(dml_${name} PRIVATE -O1)
  elseif(DML_PCH)
    target_precompile_headers(dml_${name} REUSE_FROM dml_precompiled)
  endif()
endfunction()

set(sanitized_labels "unit|sim|processes")
if(DML_SANITIZE STREQUAL thread)
  set(sanitized_labels "concurrent")
endif()

function(dml_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;ALONE;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE dml_options ${arg_LIBS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE DML_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             DML_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_compile_options(${name} PRIVATE ${test_options})
  dml_compile_together(${name} "${arg_ALONE}")
  if(DML_PCH)
    target_precompile_headers(${name} REUSE_FROM dml_precompiled_tests)
  endif()
  # What the presets of the sanitizers would not run, they need not build.
  if(DML_SANITIZE AND NOT "${arg_LABELS}" MATCHES "${sanitized_labels}")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  # gtest_discover_tests loses all but the first of a list. CTest looks for labels by pattern, so
  # that "unit+concurrent" is found by either name.
  string(REPLACE ";" "+" labels "${arg_LABELS}")
  gtest_discover_tests(
    ${name}
    PROPERTIES LABELS "${labels}" TIMEOUT 300
    DISCOVERY_TIMEOUT 60)
endfunction()
