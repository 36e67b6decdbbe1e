# What an installed vetquant consists of. The program looks for ONNX Runtime and for shared data beside itself:
# bin/vetquant, lib/vetquant/libonnxruntime.so, share/vetquant/{policies,targets,schemas}; the build tree has the same shape
# (build/vetquant, build/lib/vetquant, build/share/vetquant).
set(vetquant_libdir ${CMAKE_INSTALL_LIBDIR}/vetquant)
set(vetquant_datadir ${CMAKE_INSTALL_DATADIR}/vetquant)
set(vetquant_packagedir ${CMAKE_INSTALL_LIBDIR}/cmake/vetquant)

file(GLOB vetquant_runtime ${VETQUANT_ONNXRUNTIME}/lib/libonnxruntime.so.*)
if(VETQUANT_ONNXRUNTIME AND vetquant_runtime)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/lib/vetquant)
  file(CREATE_LINK ${VETQUANT_ONNXRUNTIME}/lib/libonnxruntime.so ${PROJECT_BINARY_DIR}/lib/vetquant/libonnxruntime.so SYMBOLIC)
  install(DIRECTORY ${VETQUANT_ONNXRUNTIME}/lib/ DESTINATION lib/vetquant FILES_MATCHING PATTERN "libonnxruntime.so*")
  foreach(notice LICENSE ThirdPartyNotices.txt)
    install(FILES ${VETQUANT_ONNXRUNTIME}/${notice} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vetquant/onnxruntime OPTIONAL)
  endforeach()
else()
  message(WARNING "No ONNX Runtime library in '${VETQUANT_ONNXRUNTIME}/lib': judging needs one at run time (VETQUANT_ONNXRUNTIME_LIB)")
endif()

file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/vetquant)
foreach(data policies targets schemas)
  set(source ${PROJECT_SOURCE_DIR}/models/${data})
  if(IS_DIRECTORY ${source})
    file(CREATE_LINK ${source} ${PROJECT_BINARY_DIR}/share/vetquant/${data} SYMBOLIC)
    install(DIRECTORY ${source} DESTINATION ${vetquant_datadir})
  endif()
endforeach()

get_property(programs GLOBAL PROPERTY VETQUANT_PROGRAMS)
if(programs)
  install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE NOTICE THIRD_PARTY.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vetquant)
install(DIRECTORY include/vetquant DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

get_property(rooms GLOBAL PROPERTY VETQUANT_BUILT_ROOMS)
if(rooms STREQUAL VETQUANT_ROOMS) # an unfinished house is not exported
  list(TRANSFORM rooms PREPEND vetquant_)
  install(TARGETS ${rooms} EXPORT vetquantTargets ARCHIVE DESTINATION ${vetquant_libdir})
  install(EXPORT vetquantTargets NAMESPACE vetquant:: DESTINATION ${vetquant_packagedir})
  configure_package_config_file(cmake/vetquantConfig.cmake.in ${PROJECT_BINARY_DIR}/vetquantConfig.cmake
    INSTALL_DESTINATION ${vetquant_packagedir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/vetquantConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/vetquantConfig.cmake ${PROJECT_BINARY_DIR}/vetquantConfigVersion.cmake
    cmake/VetquantDependencies.cmake DESTINATION ${vetquant_packagedir})
else()
  message(STATUS "Not all rooms are there: the package config is not installed")
endif()
