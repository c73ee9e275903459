/* Runs the signature `repose` of a SavedModel on one picture, without Python, by the loader that servers stand on.
 *
 *   saved_model_client FOLDER SIZE NUM_JOINTS INPUTS RESULT IMAGE SOURCE_POSE TARGET_POSE OUTPUT OUTPUT_INDEX
 *
 * INPUTS: a file of SIZE x SIZE x 3 bytes and two poses of NUM_JOINTS x 3 floats; RESULT: file to write, SIZE x SIZE x 3
 * bytes. The last five name the graph's operations, as the signature lists them. Exit code 2: the model refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <tensorflow/c/c_api.h>

static void check(TF_Status* status, int exit_code) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "code %d: %s\n", TF_GetCode(status), TF_Message(status));
  exit(exit_code);
}

static TF_Tensor* read_tensor(FILE* file, TF_DataType type, const int64_t* shape, int rank) {
  size_t bytes = TF_DataTypeSize(type);
  for (int axis = 0; axis < rank; ++axis) bytes *= shape[axis];
  TF_Tensor* tensor = TF_AllocateTensor(type, shape, rank, bytes);
  if (fread(TF_TensorData(tensor), 1, bytes, file) != bytes) {
    fprintf(stderr, "the file of the inputs is too short\n");
    exit(1);
  }
  return tensor;
}

static TF_Output output(TF_Graph* graph, const char* name, int index) {
  TF_Output found = {TF_GraphOperationByName(graph, name), index};
  if (found.oper) return found;
  fprintf(stderr, "no operation %s\n", name);
  exit(1);
}

int main(int argc, char** argv) {
  if (argc != 11) return 1;
  const int64_t size = atoi(argv[2]), num_joints = atoi(argv[3]);
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  const char* tags[] = {"serve"};
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Session* session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status, 1);

  FILE* file = fopen(argv[4], "rb");
  if (!file) return 1;
  const int64_t image_shape[] = {1, size, size, 3}, pose_shape[] = {1, num_joints, 3};
  TF_Tensor* values[] = {read_tensor(file, TF_UINT8, image_shape, 4), read_tensor(file, TF_FLOAT, pose_shape, 3),
                         read_tensor(file, TF_FLOAT, pose_shape, 3)};
  fclose(file);
  const TF_Output inputs[] = {output(graph, argv[6], 0), output(graph, argv[7], 0), output(graph, argv[8], 0)};
  const TF_Output outputs[] = {output(graph, argv[9], atoi(argv[10]))};
  TF_Tensor* result = NULL;
  TF_SessionRun(session, NULL, inputs, values, 3, outputs, &result, 1, NULL, 0, NULL, status);
  check(status, 2);

  file = fopen(argv[5], "wb");
  if (!file || fwrite(TF_TensorData(result), 1, TF_TensorByteSize(result), file) != TF_TensorByteSize(result)) return 1;
  fclose(file);
  TF_DeleteTensor(result);
  for (int input = 0; input < 3; ++input) TF_DeleteTensor(values[input]);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
