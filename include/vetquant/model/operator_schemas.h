// What ONNX knows of its operators, made for one operator at a time.
//
// ONNX's own registry makes the schemas of all operators at all opsets when it is first asked for one, some 20 ms of
// processor time; a model uses a few dozen. This one answers the same and makes what it is asked for. Operators of other
// ONNX domains (ai.onnx.ml, ai.onnx.training, ...) are looked up in ONNX's, since their tables are seldom needed.
#pragma once

namespace onnx {
class ISchemaRegistry;
}

namespace vetquant {

const onnx::ISchemaRegistry& operator_schemas();  // of any thread; its schemas live as long as the program

}  // namespace vetquant
