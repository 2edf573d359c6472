# A folder under src/ is a module: one static library that links exactly the modules it may use.
# Files ending in _test, _fuzz and _bench stand beside the code and never enter the library.
#
#   vedette_module(NAME store_engine DEPS store LIBS zstd roaring SHARDS 4)
#
# DEPS are modules (public); LIBS are third-party link items (private: their headers stay in .cc files). SHARDS is
# among how many processes the module's unit tests are dealt out; one where they take no time.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# One precompiled header of the standard library for every module.
add_library(vedette_pch STATIC ${CMAKE_SOURCE_DIR}/src/base/pch.cc)
target_include_directories(vedette_pch PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(vedette_pch PUBLIC Threads::Threads)
target_precompile_headers(vedette_pch PRIVATE ${CMAKE_SOURCE_DIR}/src/base/pch.h)

if(VEDETTE_TESTS)
  find_package(GTest REQUIRED)
  add_library(vedette_test_pch STATIC ${CMAKE_SOURCE_DIR}/src/base/pch.cc)
  target_include_directories(vedette_test_pch PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(vedette_test_pch PUBLIC Threads::Threads GTest::gmock)
  # The optimiser would take longer over the tests than they run.
  target_compile_options(vedette_test_pch PRIVATE -O0)
  target_precompile_headers(vedette_test_pch PRIVATE ${CMAKE_SOURCE_DIR}/src/base/pch.h <gmock/gmock.h>)
endif()

function(vedette_module)
  cmake_parse_arguments(arg "" "NAME;SHARDS" "DEPS;LIBS;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS *_fuzz.cc)
  file(GLOB benches CONFIGURE_DEPENDS *_bench.cc)
  list(REMOVE_ITEM sources ${tests} ${fuzzers} ${benches} ${CMAKE_CURRENT_SOURCE_DIR}/pch.cc)
  foreach(file ${arg_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()

  if(sources)
    add_library(${arg_NAME} STATIC ${sources})
    target_include_directories(${arg_NAME} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${arg_NAME} PUBLIC ${arg_DEPS} PRIVATE ${arg_LIBS} Threads::Threads)
    target_precompile_headers(${arg_NAME} REUSE_FROM vedette_pch)
  else()
    add_library(${arg_NAME} INTERFACE)
    target_include_directories(${arg_NAME} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${arg_NAME} INTERFACE ${arg_DEPS} ${arg_LIBS})
  endif()

  if(VEDETTE_TESTS AND tests)
    add_executable(${arg_NAME}_test ${tests})
    target_link_libraries(${arg_NAME}_test PRIVATE ${arg_NAME} ${arg_LIBS} GTest::gmock GTest::gtest_main)
    # Executables are compiled as PIE otherwise, and then refuse the header precompiled as PIC.
    set_target_properties(${arg_NAME}_test PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${arg_NAME}_test PRIVATE -fPIC -O0)
    target_precompile_headers(${arg_NAME}_test REUSE_FROM vedette_test_pch)
    target_compile_definitions(${arg_NAME}_test PRIVATE VEDETTE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    vedette_add_tests(${arg_NAME} ${arg_SHARDS})
  endif()
  if(VEDETTE_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(name ${fuzzer} NAME_WE)
      add_executable(${name} ${fuzzer})
      target_link_libraries(${name} PRIVATE ${arg_NAME} ${arg_LIBS})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
  if(VEDETTE_BENCH AND benches)
    find_package(benchmark REQUIRED)
    add_executable(${arg_NAME}_bench ${benches})
    target_link_libraries(${arg_NAME}_bench PRIVATE ${arg_NAME} ${arg_LIBS} benchmark::benchmark_main)
  endif()
endfunction()

function(vedette_add_tests name)
  set(shards ${ARGN})
  if(NOT shards)
    add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
    return()
  endif()
  math(EXPR last "${shards} - 1")
  foreach(shard RANGE ${last})
    add_test(NAME ${name}_${shard} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name}_${shard} PROPERTIES
                         ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${shard}" COST 100)
  endforeach()
endfunction()

# Debian ships these without CMake configurations.
function(vedette_pkg target module)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET ${module})
endfunction()
