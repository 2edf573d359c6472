# The built UI (ui/dist, made by `./dev build`) inside the binary: the object library ui_assets, whose header
# is src/api/ui_assets.h. Without ui/dist the table is empty, so C++ alone builds without Node.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(ui_dist ${CMAKE_SOURCE_DIR}/ui/dist)
set(ui_out ${CMAKE_BINARY_DIR}/ui_assets)
file(GLOB ui_files CONFIGURE_DEPENDS ${ui_dist}/*.html ${ui_dist}/*.svg ${ui_dist}/assets/*)

add_custom_command(
  OUTPUT ${ui_out}/ui_assets.S ${ui_out}/ui_assets.cc
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed.py ${ui_dist} ${ui_out}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${ui_files}
  COMMENT "Embedding the UI"
  VERBATIM)

add_library(ui_assets OBJECT ${ui_out}/ui_assets.S ${ui_out}/ui_assets.cc)
target_include_directories(ui_assets PUBLIC ${CMAKE_SOURCE_DIR}/src)
