#include "checkpoint/unpickler.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <utility>

#include "wakebuilder/core/text.h"

#include "checkpoint/big_integer.h"
#include "checkpoint/limits.h"
#include "checkpoint/pickle_calls.h"

namespace wakebuilder::checkpoint {
namespace {

/// The opcodes that are read, by their names in Lib/pickletools.py.
enum Opcode : unsigned char {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kBinFloat = 'G',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

// Nodes that every graph begins with, so that a million None cost one.
constexpr NodeId kNoneNode = 0;
constexpr NodeId kFalseNode = 1;
constexpr NodeId kTrueNode = 2;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

tl::unexpected<Error> ends_early() { return corrupt("the pickle ends within an opcode"); }

std::string hex(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
}

/// Widens a number that was read, and keeps that there was none.
template <class T>
std::optional<std::uint64_t> wide(std::optional<T> number) {
  return number ? std::optional<std::uint64_t>(*number) : std::nullopt;
}

}  // namespace

// ---- The machine -------------------------------------------------------------------------------

Result<PickleGraph> Unpickler::run() {
  graph_.nodes.assign({std::monostate{}, false, true});
  const auto proto = reader_.number<std::uint8_t>();
  const auto version = reader_.number<std::uint8_t>();
  if (!proto || *proto != kProto || !version || *version < 2 || *version > 5) {
    return corrupt("byte 0: it is no pickle of protocol 2 to 5");
  }
  for (std::size_t opcodes = 0; !stopped_; ++opcodes) {
    const std::size_t at = reader_.position();
    auto done = opcodes < kMaxOpcodes
                    ? step()
                    : corrupt("it has more than " + std::to_string(kMaxOpcodes) + " opcodes");
    if (!done) return fail_in("byte " + std::to_string(at), std::move(done).error());
  }
  return std::move(graph_);
}

Result<void> Unpickler::step() {
  const auto opcode = reader_.number<std::uint8_t>();
  if (!opcode) return corrupt("the pickle ends without STOP");
  if (frame_end_ != 0 && reader_.position() > frame_end_) frame_end_ = 0;
  WAKEBUILDER_CHECK(execute(*opcode));
  if (frame_end_ != 0 && reader_.position() > frame_end_) {
    return corrupt("opcode " + hex(*opcode) + " goes past the end of its frame");
  }
  return {};
}

Result<void> Unpickler::execute(unsigned char opcode) {
  switch (opcode) {
    case kStop:
      if (stack_.size() != 1 || !marks_.empty()) {
        return corrupt("STOP where one object is expected on the stack, found " +
                       std::to_string(stack_.size()) + (marks_.empty() ? "" : " and a MARK"));
      }
      graph_.root = stack_[0];
      stopped_ = true;
      return {};
    case kProto:
      return corrupt("a second PROTO");
    case kFrame:
      return begin_frame();
    case kGlobal:
      return push_global();
    case kStackGlobal:
      return push_stack_global();
    case kReduce:
      return reduce();
    case kBuild:
      return build();
    case kBinPersId:
      return push_storage();
    case kBinPut:
      return put(wide(reader_.number<std::uint8_t>()));
    case kLongBinPut:
      return put(wide(reader_.number<std::uint32_t>()));
    case kMemoize:
      return put(memo_count_);
    case kBinGet:
      return get(wide(reader_.number<std::uint8_t>()));
    case kLongBinGet:
      return get(wide(reader_.number<std::uint32_t>()));
    default:
      return execute_container(opcode);
  }
}

Result<void> Unpickler::execute_container(unsigned char opcode) {
  switch (opcode) {
    case kMark:
      marks_.push_back(stack_.size());
      return {};
    case kEmptyTuple:
      return push_node(TupleNode{});
    case kEmptyList:
      return push_node(ListNode{});
    case kEmptyDict:
      return push_node(DictNode{});
    case kTuple:
      return push_tuple(pop_mark());
    case kTuple1:
      return push_tuple(pop_many(1));
    case kTuple2:
      return push_tuple(pop_many(2));
    case kTuple3:
      return push_tuple(pop_many(3));
    case kAppend:
      return append(pop_many(1));
    case kAppends:
      return append(pop_mark());
    case kSetItem:
      return set_items(pop_many(2));
    case kSetItems:
      return set_items(pop_mark());
    default:
      return execute_value(opcode);
  }
}

Result<void> Unpickler::execute_value(unsigned char opcode) {
  switch (opcode) {
    case kNone:
      push(kNoneNode);
      return {};
    case kNewTrue:
      push(kTrueNode);
      return {};
    case kNewFalse:
      push(kFalseNode);
      return {};
    case kBinInt:
      return push_integer<std::int32_t>();
    case kBinInt1:
      return push_integer<std::uint8_t>();
    case kBinInt2:
      return push_integer<std::uint16_t>();
    case kLong1: {
      const auto length = reader_.number<std::uint8_t>();
      return push_long(length ? std::optional<std::int64_t>(*length) : std::nullopt);
    }
    case kLong4: {
      const auto length = reader_.number<std::int32_t>();
      return push_long(length ? std::optional<std::int64_t>(*length) : std::nullopt);
    }
    case kBinFloat:
      return push_big_endian_double();
    case kShortBinString:
    case kShortBinUnicode:
      return push_text(wide(reader_.number<std::uint8_t>()));
    case kBinString:  // of a signed length; a negative one does not fit what remains
    case kBinUnicode:
      return push_text(wide(reader_.number<std::uint32_t>()));
    case kBinUnicode8:
      return push_text(reader_.number<std::uint64_t>());
    case kShortBinBytes:
      return push_bytes(wide(reader_.number<std::uint8_t>()));
    case kBinBytes:
      return push_bytes(wide(reader_.number<std::uint32_t>()));
    case kBinBytes8:
      return push_bytes(reader_.number<std::uint64_t>());
    default:
      return fail(ErrorCode::kUnsupported,
                  "opcode " + hex(opcode) +
                      " is not read: torch.save does not write it for tensors and plain values");
  }
}

Result<void> Unpickler::begin_frame() {
  const auto length = reader_.number<std::uint64_t>();
  if (!length) return ends_early();
  if (*length > reader_.remaining()) {
    return corrupt("a frame of " + std::to_string(*length) + " bytes, where " +
                   std::to_string(reader_.remaining()) + " remain");
  }
  if (frame_end_ != 0) return corrupt("a frame within a frame");
  frame_end_ = reader_.position() + static_cast<std::size_t>(*length);
  return {};
}

// ---- Values ------------------------------------------------------------------------------------

NodeId Unpickler::add(Node node) {
  graph_.nodes.push_back(std::move(node));
  return static_cast<NodeId>(graph_.nodes.size() - 1);
}

Result<void> Unpickler::push_node(Node node) {
  push(add(std::move(node)));
  return {};
}

template <class T>
Result<void> Unpickler::push_integer() {
  const auto value = reader_.number<T>();
  if (!value) return ends_early();
  return push_node(std::int64_t{*value});
}

Result<void> Unpickler::push_long(std::optional<std::int64_t> length) {
  if (!length) return ends_early();
  if (*length < 0 || *length > static_cast<std::int64_t>(kMaxLongBytes)) {
    return corrupt("an integer of " + std::to_string(*length) + " bytes");
  }
  const auto text = reader_.text(static_cast<std::uint64_t>(*length));
  if (!text) return ends_early();
  const std::string_view bytes = without_padding(*text);
  if (bytes.size() <= sizeof(std::int64_t)) return push_node(small_integer(bytes));
  core::BigInteger big = big_integer(bytes);
  WAKEBUILDER_CHECK(charge(graph_, big.digits.size()));
  return push_node(std::move(big));
}

Result<void> Unpickler::push_big_endian_double() {
  const auto bits = reader_.number<std::uint64_t>();
  if (!bits) return ends_early();
  return push_node(std::bit_cast<double>(__builtin_bswap64(*bits)));
}

Result<void> Unpickler::push_text(std::optional<std::uint64_t> length) {
  const auto text = length ? reader_.text(*length) : std::nullopt;
  if (!text) return corrupt("the pickle ends within a text");
  if (!core::is_utf8(*text)) return corrupt("a text that is not UTF-8");
  return push_node(*text);
}

Result<void> Unpickler::push_bytes(std::optional<std::uint64_t> length) {
  const auto text = length ? reader_.text(*length) : std::nullopt;
  if (!text) return corrupt("the pickle ends within bytes");
  return push_node(core::Bytes{std::string(*text)});
}

// ---- The stack ---------------------------------------------------------------------------------

std::size_t Unpickler::available() const {
  return stack_.size() - (marks_.empty() ? 0 : marks_.back());
}

Result<NodeId> Unpickler::top() const {
  if (available() == 0) return corrupt("the stack is empty");
  return stack_.back();
}

Result<NodeId> Unpickler::pop() {
  WAKEBUILDER_TRY(const NodeId id, top());
  stack_.pop_back();
  return id;
}

Result<Unpickler::Ids> Unpickler::pop_many(std::size_t count) {
  if (available() < count) {
    return corrupt(std::to_string(count) + " objects are needed, the stack has " +
                   std::to_string(available()));
  }
  Ids items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return items;
}

Result<Unpickler::Ids> Unpickler::pop_mark() {
  if (marks_.empty()) return corrupt("there is no MARK on the stack");
  auto items = pop_many(available());
  marks_.pop_back();
  return items;
}

// ---- Containers --------------------------------------------------------------------------------

Result<void> Unpickler::push_tuple(Result<Ids> items) {
  if (!items) return fail(std::move(items).error());
  return push_node(TupleNode{*std::move(items)});
}

Result<void> Unpickler::append(Result<Ids> items) {
  if (!items) return fail(std::move(items).error());
  WAKEBUILDER_TRY(const NodeId target, top());
  auto* list = std::get_if<ListNode>(&graph_.nodes[target]);
  if (list == nullptr) {
    return corrupt("something is appended to an object of type " +
                   std::string(type_name(graph_.nodes[target])));
  }
  list->items.insert(list->items.end(), items->begin(), items->end());
  return {};
}

Result<void> Unpickler::set_items(Result<Ids> items) {
  if (!items) return fail(std::move(items).error());
  WAKEBUILDER_TRY(const NodeId target, top());
  auto* dict = std::get_if<DictNode>(&graph_.nodes[target]);
  if (dict == nullptr) {
    return corrupt("an item is set in an object of type " +
                   std::string(type_name(graph_.nodes[target])));
  }
  if (items->size() % 2 != 0) return corrupt("a key without value");
  for (std::size_t i = 0; i < items->size(); i += 2)
    dict->items.emplace_back((*items)[i], (*items)[i + 1]);
  return {};
}

Result<void> Unpickler::build() {
  WAKEBUILDER_TRY(const NodeId state, pop());
  WAKEBUILDER_TRY(const NodeId object, top());
  return set_state(graph_, object, state);
}

// ---- The memo ----------------------------------------------------------------------------------

Result<void> Unpickler::put(std::optional<std::uint64_t> index) {
  if (!index) return ends_early();
  if (*index >= kMaxMemoIndex)
    return corrupt("memo slot " + std::to_string(*index) + " is too high");
  WAKEBUILDER_TRY(const NodeId id, top());
  const auto slot = static_cast<std::size_t>(*index);
  if (slot >= memo_.size()) memo_.resize(slot + 1);
  if (!memo_[slot]) ++memo_count_;
  memo_[slot] = id;
  return {};
}

Result<void> Unpickler::get(std::optional<std::uint64_t> index) {
  if (!index) return ends_early();
  const auto slot = static_cast<std::size_t>(*index);
  if (slot >= memo_.size() || !memo_[slot]) {
    return corrupt("memo slot " + std::to_string(slot) + " is read but was never set");
  }
  push(*memo_[slot]);
  return {};
}

// ---- Names and calls ---------------------------------------------------------------------------

Result<void> Unpickler::push_global() {
  const auto module = reader_.text_until('\n');
  const auto name = module ? reader_.text_until('\n') : std::nullopt;
  if (!name) return ends_early();
  return find_and_push(*module, *name);
}

Result<void> Unpickler::push_stack_global() {
  WAKEBUILDER_TRY(const Ids items, pop_many(2));
  const auto* module = std::get_if<std::string_view>(&graph_.nodes[items[0]]);
  const auto* name = std::get_if<std::string_view>(&graph_.nodes[items[1]]);
  if (module == nullptr || name == nullptr) return corrupt("a name that is not made of two texts");
  return find_and_push(*module, *name);
}

Result<void> Unpickler::find_and_push(std::string_view module, std::string_view name) {
  const Global* global = find_global(module, name);
  const bool misplaced = global != nullptr && global->kind == GlobalKind::kTensorType &&
                         ids_ != PersistentIds::kTarEntry;
  if (global == nullptr || misplaced) return refuse_global(module, name);
  return push_node(global);
}

/// True when the bytes that follow make an instance of the class that was just named: EMPTY_TUPLE
/// NEWOBJ.
bool Unpickler::makes_object_next() const {
  core::ByteReader ahead = reader_;
  auto next = ahead.number<std::uint8_t>();
  if (next == kBinPut && ahead.bytes(1)) next = ahead.number<std::uint8_t>();
  if (next == kLongBinPut && ahead.bytes(4)) next = ahead.number<std::uint8_t>();
  if (next == kMemoize) next = ahead.number<std::uint8_t>();
  constexpr std::uint8_t kNewObject = 0x81;
  return next == kEmptyTuple && ahead.number<std::uint8_t>() == kNewObject;
}

tl::unexpected<Error> Unpickler::refuse_global(std::string_view module,
                                               std::string_view name) const {
  const std::string full = core::quote(module) + "." + core::quote(name);
  if (makes_object_next()) {
    return fail(ErrorCode::kUnsupported,
                "it is a pickled object of class " + full +
                    ", which only its own program can load; save the weights alone: "
                    "torch.save(model.state_dict(), path)");
  }
  return fail(ErrorCode::kUnsupported, "it names " + full +
                                           ", which is not on the list of allowed names and is "
                                           "never run; save only tensors and plain "
                                           "values: torch.save(model.state_dict(), path)");
}

/// The text that lies under the arguments of a call: the key that its result is meant for.
std::string_view Unpickler::name_on_stack() const {
  for (std::size_t i = 1; i <= 2 && i <= stack_.size(); ++i) {
    const auto* text = std::get_if<std::string_view>(&graph_.nodes[stack_[stack_.size() - i]]);
    if (text != nullptr) return *text;
  }
  return {};
}

Result<void> Unpickler::reduce() {
  WAKEBUILDER_TRY(const Ids items, pop_many(2));
  const auto* function = std::get_if<const Global*>(&graph_.nodes[items[0]]);
  const auto* arguments = std::get_if<TupleNode>(&graph_.nodes[items[1]]);
  if (function == nullptr || arguments == nullptr) {
    return corrupt("an object of type " + std::string(type_name(graph_.nodes[items[0]])) +
                   " is called with one of type " + std::string(type_name(graph_.nodes[items[1]])));
  }
  WAKEBUILDER_TRY(Node result, call(graph_, **function, arguments->items, name_on_stack()));
  return push_node(std::move(result));
}

Result<void> Unpickler::push_tensor_of_archive(NodeId id) {
  const auto* key = std::get_if<std::string_view>(&graph_.nodes[id]);
  const auto found = key != nullptr ? storages_.find(std::string(*key)) : storages_.end();
  if (found == storages_.end()) return corrupt("a persistent id that is no tensor of the archive");
  return push_node(TensorNode{found->second});
}

Result<void> Unpickler::push_storage() {
  WAKEBUILDER_TRY(const NodeId id, pop());
  if (ids_ == PersistentIds::kNone || ids_ == PersistentIds::kTarEntry) {
    return corrupt("a persistent id where no storage can be");
  }
  if (ids_ == PersistentIds::kTarObject) return push_tensor_of_archive(id);
  WAKEBUILDER_TRY(const StorageNode node, find_storage(graph_, storages_, id, ids_));
  return push_node(node);
}

Result<PickleGraph> next_pickle(core::ByteReader& file, std::span<const std::byte> bytes,
                                PersistentIds ids, std::string_view what) {
  const std::size_t begin = file.position();
  const std::size_t size = std::min<std::uint64_t>(file.remaining(), kMaxPickleBytes);
  Unpickler unpickler(bytes.subspan(begin, size), ids);
  auto graph = unpickler.run();
  if (!graph) {
    return fail_in(std::string(what) + " (from byte " + std::to_string(begin) + ")",
                   std::move(graph).error());
  }
  file.seek(begin + unpickler.consumed());
  return graph;
}

}  // namespace wakebuilder::checkpoint
