# Rooms: one static library per folder of src/, and the wall between them.
#
# The wall: a room's public headers, include/vetquant/<room>/, are reachable only through an include root of that room's
# own (a link in the build tree), and a room gets the roots of the rooms that it links, all of them on lower floors. An
# include that runs upward therefore finds no file. tests/architecture proves it.

# Ground first; each room may link rooms on strictly lower floors.
set(VETQUANT_ROOMS core model quant policy runtime plan eval emit write report pipeline)
set(VETQUANT_FLOOR_core 0)
set(VETQUANT_FLOOR_model 1)
set(VETQUANT_FLOOR_quant 1)
set(VETQUANT_FLOOR_policy 2)
set(VETQUANT_FLOOR_runtime 2)
set(VETQUANT_FLOOR_plan 3)
set(VETQUANT_FLOOR_eval 3)
set(VETQUANT_FLOOR_emit 4)
set(VETQUANT_FLOOR_write 5)
set(VETQUANT_FLOOR_report 6)
set(VETQUANT_FLOOR_pipeline 7)

# vetquant_room(NAME quant SOURCES rtn.cpp ... LINKS core ... [PRIVATE_LINKS PkgConfig::hwy ...])
#   LINKS          rooms, by their short names, and libraries that the room's public headers include
#   PRIVATE_LINKS  libraries that only its .cpp files include
function(vetquant_room)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  set(target vetquant_${arg_NAME})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(vetquant::${arg_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  vetquant_compile(${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/rooms/${arg_NAME}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  vetquant_link(${target} PUBLIC ${VETQUANT_FLOOR_${arg_NAME}} ${arg_LINKS})
  vetquant_link(${target} PRIVATE ${VETQUANT_FLOOR_${arg_NAME}} ${arg_PRIVATE_LINKS})
  set_property(GLOBAL APPEND PROPERTY VETQUANT_BUILT_ROOMS ${arg_NAME})
endfunction()

# Links rooms below `floor` and libraries.
function(vetquant_link target scope floor)
  foreach(item IN LISTS ARGN)
    if(item STREQUAL onnxruntime)
      target_include_directories(${target} SYSTEM PRIVATE ${VETQUANT_ONNXRUNTIME}/include)
      target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
    elseif(NOT item IN_LIST VETQUANT_ROOMS)
      target_link_libraries(${target} ${scope} ${item})
    elseif(VETQUANT_FLOOR_${item} LESS floor)
      target_link_libraries(${target} ${scope} vetquant_${item})
    else()
      message(FATAL_ERROR "${target} (floor ${floor}) may not link ${item} (floor ${VETQUANT_FLOOR_${item}})")
    endif()
  endforeach()
endfunction()

function(vetquant_add_room room)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/rooms/${room}/vetquant)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/vetquant/${room} ${PROJECT_BINARY_DIR}/rooms/${room}/vetquant/${room} SYMBOLIC)
  add_subdirectory(src/${room})
endfunction()

# vetquant_program(NAME vetquant SOURCES main.cpp ... LINKS pipeline CLI11::CLI11 ...): a program on the top floor
function(vetquant_program)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;LINKS" ${ARGN})
  add_executable(${arg_NAME} ${arg_SOURCES})
  vetquant_compile(${arg_NAME})
  vetquant_link(${arg_NAME} PRIVATE 8 ${arg_LINKS})
  set_property(GLOBAL APPEND PROPERTY VETQUANT_PROGRAMS ${arg_NAME})
endfunction()
