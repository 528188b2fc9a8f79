// The restricted pickle machine.
//
// A pickle is a program for a stack machine. This one knows the opcodes that torch.save emits
// (protocols 2 to 5), and no way to run anything: GLOBAL finds its name in the allow-list or fails,
// REDUCE is a case in pickle_calls.cc. Source: Python's Lib/pickletools.py; docs/formats/pytorch.md
// lists the opcodes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/result.h"

#include "checkpoint/pickle_graph.h"

namespace wakebuilder::checkpoint {

/// Runs one pickle.
class Unpickler {
 public:
  /// @param bytes  the pickle and perhaps more; must outlive the graph, whose texts lie in it
  Unpickler(std::span<const std::byte> bytes, PersistentIds ids) : reader_(bytes), ids_(ids) {}

  /// The object of a tar archive, whose persistent ids are keys of `tensors`.
  /// @param archive  the tensors and storages that were read before
  Unpickler(std::span<const std::byte> bytes, PickleGraph archive, StorageKeys tensors)
      : reader_(bytes),
        ids_(PersistentIds::kTarObject),
        graph_(std::move(archive)),
        storages_(std::move(tensors)) {}

  /// Runs up to STOP. To be called once.
  /// Errors: kCorrupt and kUnsupported, "byte N: ..." with the offset of the opcode.
  Result<PickleGraph> run();

  /// Bytes up to and with STOP.
  std::size_t consumed() const { return reader_.position(); }

 private:
  using Ids = std::vector<NodeId>;

  Result<void> step();
  Result<void> execute(unsigned char opcode);
  Result<void> execute_value(unsigned char opcode);
  Result<void> execute_container(unsigned char opcode);

  // Values
  Result<void> push_text(std::optional<std::uint64_t> length);
  Result<void> push_bytes(std::optional<std::uint64_t> length);
  Result<void> push_long(std::optional<std::int64_t> length);
  Result<void> push_big_endian_double();
  template <class T>
  Result<void> push_integer();
  NodeId add(Node node);
  void push(NodeId id) { stack_.push_back(id); }
  Result<void> push_node(Node node);

  // The stack
  std::size_t available() const;
  Result<NodeId> pop();
  Result<Ids> pop_many(std::size_t count);
  Result<Ids> pop_mark();
  Result<NodeId> top() const;

  // Containers
  Result<void> push_tuple(Result<Ids> items);
  Result<void> append(Result<Ids> items);
  Result<void> set_items(Result<Ids> items);
  Result<void> build();

  // Memo and frames
  Result<void> put(std::optional<std::uint64_t> index);
  Result<void> get(std::optional<std::uint64_t> index);
  Result<void> begin_frame();

  // Names and calls
  Result<void> push_global();
  Result<void> push_stack_global();
  Result<void> find_and_push(std::string_view module, std::string_view name);
  tl::unexpected<Error> refuse_global(std::string_view module, std::string_view name) const;
  bool makes_object_next() const;
  Result<void> reduce();
  Result<void> push_storage();
  Result<void> push_tensor_of_archive(NodeId id);
  std::string_view name_on_stack() const;

  core::ByteReader reader_;
  PersistentIds ids_;
  PickleGraph graph_;
  Ids stack_;
  std::vector<std::size_t> marks_;
  std::vector<std::optional<NodeId>> memo_;
  std::size_t memo_count_ = 0;
  std::size_t frame_end_ = 0;  ///< 0 outside of frames
  StorageKeys storages_;       ///< by key; of a tar archive the tensors
  bool stopped_ = false;
};

/// Runs the pickle at the position of `file` and moves behind it; `what` names it in errors.
Result<PickleGraph> next_pickle(core::ByteReader& file, std::span<const std::byte> bytes,
                                PersistentIds ids, std::string_view what);

}  // namespace wakebuilder::checkpoint
