#include "checkpoint/unpickler.h"

#include <bit>
#include <cstdint>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "checkpoint/tensor_reader.h"
#include "checkpoint/value_tree.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using checkpoint::PersistentIds;
using core::Dict;
using core::List;
using core::Value;

/// Runs a pickle without storages and gives its tree.
Result<Value> unpickle(const std::string& bytes) {
  checkpoint::Unpickler unpickler(std::as_bytes(std::span(bytes)), PersistentIds::kZip);
  WAKEBUILDER_TRY(const checkpoint::PickleGraph graph, unpickler.run());
  checkpoint::TensorReader tensors(
      graph,
      [](const checkpoint::Storage&, checkpoint::CopyBudget&) -> Result<checkpoint::StorageBytes> {
        return fail(ErrorCode::kNotFound, "no storage");
      },
      checkpoint::CopyBudget(0));
  return checkpoint::value_tree(graph, tensors);
}

/// The value of one object.
Result<Value> object(const std::string& opcodes) { return unpickle(kProto + opcodes + "."); }

struct ValueCase {
  std::string opcodes;
  Value want;
};

TEST(Unpickler, ReadsEveryKindOfValue) {
  const ValueCase cases[] = {
      {"N", Value()},
      {"\x88", true},
      {"\x89", false},
      {"K\xff", 255},
      {"M\xff\xff", 65535},
      {"J\xff\xff\xff\xff", -1},
      {"\x8a\x00"s, 0},
      {"\x8a\x01\xfe", -2},
      {"\x8a\x09\0\0\0\0\0\0\0\x80\xff"s, INT64_MIN},
      {"\x8b\x09\0\0\0\0\0\0\0\0\0\0\0\x01"s, core::BigInteger{"18446744073709551616"}},
      {"G\xbf\xe0\0\0\0\0\0\0"s, -0.5},
      {"X\x02\0\0\0\xc3\xa9"s, "\xc3\xa9"},
      {"\x8c\x01x", "x"},
      {"\x8d\x01\0\0\0\0\0\0\0x"s, "x"},
      {"U\x01x", "x"},
      {"T\x01\0\0\0x"s, "x"},
      {"C\x02\xff\x00"s, core::Bytes{"\xff\0"s}},
      {"B\x01\0\0\0x"s, core::Bytes{"x"}},
      {"\x8e\x01\0\0\0\0\0\0\0x"s, core::Bytes{"x"}},
      {")", core::Tuple{}},
      {"K\x01\x85", core::Tuple{{1}}},
      {"K\x01K\x02\x86", core::Tuple{{1, 2}}},
      {"K\x01K\x02K\x03\x87", core::Tuple{{1, 2, 3}}},
      {"(K\x01K\x02t", core::Tuple{{1, 2}}},
      {"]", List{}},
      {"]K\x01"s + "a", List{1}},
      {"](K\x01K\x02"s + "e", List{1, 2}},
      {"}", Dict{}},
      {"}K\x07Ns", Dict{{7, Value()}}},
      {dict({text("a"), num(1), tuple({num(1), text("b")}), num(2)}),
       Dict{{"a", 1}, {core::Tuple{{1, "b"}}, 2}}},
      {call(global("_codecs", "encode"), {text("\xc3\xbf\0"s), text("latin1")}),
       core::Bytes{"\xff\0"s}},
      {call(global("torch", "Size"), {tuple({num(2), num(3)})}), core::Tuple{{2, 3}}},
      {call(global("torch", "device"), {text("cuda"), num(0)}), core::Opaque{"torch.device cuda"}},
      {global("torch", "float32"), core::Opaque{"torch.float32"}},
      {call(global("collections", "OrderedDict"), {"](](" + text("a") + num(1) + "ee"}),
       Dict{{"a", 1}}},
  };
  for (const ValueCase& c : cases) {
    const auto value = object(c.opcodes);
    ASSERT_THAT(value, IsOk()) << c.opcodes;
    EXPECT_THAT(*value, IsValue(c.want));
  }
}

std::string numpy_scalar(const std::string& type, const std::string& order,
                         const std::string& bytes) {
  const std::string dtype = call(global("numpy", "dtype"), {text(type), "\x89", "\x88"}) +
                            tuple({num(3), text(order), "N", "N", "N", num(-1), num(-1), num(0)}) +
                            "b";
  return call(global("numpy.core.multiarray", "scalar"),
              {dtype, "C" + raw(static_cast<std::uint8_t>(bytes.size())) + bytes});
}

TEST(Unpickler, ReadsNumPyScalarsAsPlainNumbers) {
  const ValueCase cases[] = {
      {numpy_scalar("f8", "<", raw(std::bit_cast<std::uint64_t>(0.65))), 0.65},
      {numpy_scalar("f8", ">", "\x3f\xe0\0\0\0\0\0\0"s), 0.5},
      {numpy_scalar("f4", "<", raw(std::bit_cast<std::uint32_t>(0.25F))), 0.25},
      {numpy_scalar("f2", "<", "\0\x3c"s), 1.0},
      {numpy_scalar("i8", "<", raw(std::int64_t{-5})), -5},
      {numpy_scalar("i2", "<", raw(std::int16_t{-5})), -5},
      {numpy_scalar("i1", "|", "\xfb"), -5},
      {numpy_scalar("u4", "<", "\xff\xff\xff\xff"), std::int64_t{4294967295}},
      {numpy_scalar("u8", "<", "\xff\xff\xff\xff\xff\xff\xff\xff"),
       core::BigInteger{"18446744073709551615"}},
      {numpy_scalar("b1", "|", "\x01"), true},
  };
  for (const ValueCase& c : cases) {
    const auto value = object(c.opcodes);
    ASSERT_THAT(value, IsOk());
    EXPECT_THAT(*value, IsValue(c.want));
  }
}

TEST(Unpickler, CopiesWhatTheMemoShares) {
  const auto value = object("(" + text("a") + "q\x05h\x05r\x01\x02\0\0j\x01\x02\0\0t"s);
  ASSERT_THAT(value, IsOk());
  EXPECT_THAT(*value, IsValue(core::Tuple{{"a", "a", "a"}}));
  EXPECT_THAT(*object("(" + text("a") + "\x94" + text("b") + "\x94h\x01h\x00t"s),
              IsValue(core::Tuple{{"a", "b", "b", "a"}}));
}

struct ErrorCase {
  std::string pickle;
  ErrorCode code;
  std::string words;
};

TEST(Unpickler, RefusesWhatIsDamaged) {
  constexpr auto kCorrupt = ErrorCode::kCorrupt;
  const ErrorCase cases[] = {
      {"", kCorrupt, "byte 0: it is no pickle of protocol 2 to 5"},
      {"\x80\x01N.", kCorrupt, "protocol 2 to 5"},
      {"\x80\x06N.", kCorrupt, "protocol 2 to 5"},
      {kProto, kCorrupt, "byte 2: the pickle ends without STOP"},
      {kProto + "N", kCorrupt, "byte 3: the pickle ends without STOP"},
      {kProto + ".", kCorrupt, "one object is expected on the stack, found 0"},
      {kProto + "NN.", kCorrupt, "found 2"},
      {kProto + "(N.", kCorrupt, "found 1 and a MARK"},
      {kProto + kProto + "N.", kCorrupt, "byte 2: a second PROTO"},
      {kProto + "X\x05\0\0\0abc."s, kCorrupt, "ends within a text"},
      {kProto + "X\xff\xff\xff\xff.", kCorrupt, "ends within a text"},
      {kProto + "\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", kCorrupt, "ends within a text"},
      {kProto + "\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", kCorrupt, "ends within bytes"},
      {kProto + "X\x01\0\0\0\xff."s, kCorrupt, "a text that is not UTF-8"},
      {kProto + "\x8b\xff\xff\xff\xff.", kCorrupt, "an integer of -1 bytes"},
      {kProto + "\x8a\x21" + std::string(33, 'x') + ".", kCorrupt, "an integer of 33 bytes"},
      {kProto + "J\x01", kCorrupt, "ends within an opcode"},
      {kProto + "K\x01K\x02" + "a.", kCorrupt, "appended to an object of type int"},
      {kProto + "]NNs.", kCorrupt, "an item is set in an object of type list"},
      {kProto + "}(Nu.", kCorrupt, "a key without value"},
      {kProto + "}]Ns.", kCorrupt, "a key is of type list"},
      {kProto + "}(" + text("a") + "N" + text("a") + "Nu.", kCorrupt,
       "the key \"a\" is given twice"},
      {kProto + "h\x07.", kCorrupt, "memo slot 7 is read but was never set"},
      {kProto + "Nr\xff\xff\xff\xff.", kCorrupt, "memo slot 4294967295 is too high"},
      {kProto + "q\x01.", kCorrupt, "the stack is empty"},
      {kProto + "(q\x01.", kCorrupt, "the stack is empty"},
      {kProto + "N(\x85.", kCorrupt, "1 objects are needed, the stack has 0"},
      {kProto + "Nt.", kCorrupt, "there is no MARK"},
      {kProto + "NQ.", kCorrupt, "a persistent id that is no storage"},
      {kProto + "N)R.", kCorrupt, "an object of type None is called with one of type tuple"},
      {kProto + global("torch", "float32") + ")R.", kCorrupt,
       "torch.float32 is called, but it is no function"},
      {kProto + "]q\x01h\x01" + "a.", kCorrupt, "0: it contains itself"},
      {kProto + "\x95\x05\0\0\0\0\0\0\0N."s, kCorrupt, "a frame of 5 bytes, where 2 remain"},
      {kProto + "\x95\x01\0\0\0\0\0\0\0K\x01."s, kCorrupt,
       "opcode 0x4b goes past the end of its frame"},
      {kProto + "\x95\x0b\0\0\0\0\0\0\0\x95\x00\0\0\0\0\0\0\0N."s, kCorrupt,
       "a frame within a frame"},
      {kProto + "N" + std::string(129, '\x85') + ".", kCorrupt, "deeper than 128 levels"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(unpickle(c.pickle), HasError(c.code, c.words)) << c.words;
}

TEST(Unpickler, RefusesOpcodesThatTorchDoesNotWrite) {
  for (const char opcode :
       "\x81\x82\x83\x84\x8f\x90\x91\x92\x96\x97\x98\xfe"
       "02ioPpgILSVFd1"s) {
    EXPECT_THAT(object("N"s + opcode + "\n\n\n\n\n\n\n\n\n"),
                HasError(ErrorCode::kUnsupported, "byte 3: opcode 0x"));
  }
}

TEST(Unpickler, RefusesNamesThatAreNotOnTheListEvenUncalled) {
  const ErrorCase cases[] = {
      {global("os", "system"), ErrorCode::kUnsupported,
       "byte 2: it names os.system, which is not on the list"},
      {text("os") + text("system") + "\x93", ErrorCode::kUnsupported, "os.system"},
      {global("collections ", "OrderedDict"), ErrorCode::kUnsupported, "collections .OrderedDict"},
      {global("torch.storage", "_load_from_bytes"), ErrorCode::kUnsupported,
       "torch.storage._load_from_bytes"},
      {global("builtins", "getattr") + "0N", ErrorCode::kUnsupported, "builtins.getattr"},
      {global("a", "b\x1b[2J"), ErrorCode::kUnsupported, "a.b\\x1b[2J"},
      {global("my.net", "Net") + ")\x81", ErrorCode::kUnsupported,
       "a pickled object of class my.net.Net"},
      {global("my.net", "Net") + "q\x01)\x81", ErrorCode::kUnsupported,
       "a pickled object of class my.net.Net"},
      {num(1) + num(2) + "\x93", ErrorCode::kCorrupt, "a name that is not made of two texts"},
      {global("collections", "OrderedDict"), ErrorCode::kUnsupported,
       "stands where a value should"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(object(c.pickle), HasError(c.code, c.words)) << c.words;
}

TEST(Unpickler, RefusesCallsWithOtherArguments) {
  const std::string dtype = global("numpy", "dtype");
  const ErrorCase cases[] = {
      {call(global("_codecs", "encode"), {text("a"), text("idna")}), ErrorCode::kUnsupported,
       "latin1 only"},
      {call(global("_codecs", "encode"), {text("\xc4\x80"), text("latin1")}), ErrorCode::kCorrupt,
       "latin1 lacks"},
      {call(global("_codecs", "encode"), {text("a")}), ErrorCode::kCorrupt,
       "_codecs.encode is given 1 arguments, expected 2"},
      {call(global("collections", "OrderedDict"), {num(1)}), ErrorCode::kCorrupt, "list of pairs"},
      {call(dtype, {text("O8")}), ErrorCode::kUnsupported,
       "a numpy.dtype of \"O8\"; only numbers are read"},
      {call(dtype, {text("V99999")}), ErrorCode::kUnsupported, "a numpy.dtype of \"V99999\""},
      {numpy_scalar("f8", "<", "abc"), ErrorCode::kCorrupt, "a numpy scalar of 8 bytes is given 3"},
      {numpy_scalar("f8", "?", "12345678"), ErrorCode::kCorrupt, "not that of a plain number"},
      {call(global("torch._utils", "_rebuild_parameter"), {num(1), "\x88", "N"}),
       ErrorCode::kCorrupt, "the data of a parameter is of type int"},
      {"]" + dict({text("x"), num(1)}) + "b", ErrorCode::kCorrupt,
       "attributes are set on an object of type list"},
      {dict({text("x"), num(1)}) + "}b", ErrorCode::kCorrupt,
       "attributes are set on an object of type dict"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(object(c.pickle), HasError(c.code, c.words)) << c.words;
}

TEST(Unpickler, DropsTheAttributesOfAnOrderedDict) {
  const auto value = object(kOrderedDict + text("a") + num(1) + "s" +
                            dict({text("_metadata"), kOrderedDict}) + "b");
  ASSERT_THAT(value, IsOk());
  EXPECT_THAT(*value, IsValue(Dict{{"a", 1}}));
}

TEST(Unpickler, ChecksAttributesThatItDrops) {
  EXPECT_THAT(object(kOrderedDict + dict({text("_metadata"), global("os", "system")}) + "b"),
              HasError(ErrorCode::kUnsupported, "os.system"));
}

TEST(Unpickler, StopsAfterTooManyOpcodes) {
  EXPECT_THAT(object("(" + std::string(260'000, 'N') + "t"),
              HasError(ErrorCode::kCorrupt, "more than 250000 opcodes"));
}

TEST(Unpickler, BoundsWhatCallsMakeOutOfSharedText) {
  std::string pickle = text(std::string(1 << 20, 'a')) + "q\x01";
  for (int i = 0; i < 20; ++i)
    pickle += call(global("_codecs", "encode"), {"h\x01", text("latin1")});
  EXPECT_THAT(object(pickle),
              HasError(ErrorCode::kCorrupt, "more than 16777216 bytes out of shared objects"));
}

TEST(Unpickler, BoundsTheTreeOfSharedText) {
  std::string pickle = "](" + text(std::string(1 << 20, 'a')) + "q\x01";
  for (int i = 0; i < 40; ++i) pickle += "h\x01";
  EXPECT_THAT(object(pickle + "e"),
              HasError(ErrorCode::kCorrupt, "more than 33554432 bytes of memory"));
}

}  // namespace
}  // namespace wakebuilder::test
