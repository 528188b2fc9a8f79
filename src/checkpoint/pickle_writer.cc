#include "checkpoint/pickle_writer.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string_view>
#include <variant>

#include "wakebuilder/core/text.h"

#include "checkpoint/big_integer.h"

namespace wakebuilder::checkpoint {
namespace {

using core::DType;
using core::Value;
using namespace std::string_view_literals;

struct TypedStorage {
  DType dtype;
  std::string_view name;
};

// The types that have a storage class of their own; newer ones lie in an untyped storage.
constexpr TypedStorage kTypedStorages[] = {
    {DType::kFloat32, "FloatStorage"},
    {DType::kFloat64, "DoubleStorage"},
    {DType::kFloat16, "HalfStorage"},
    {DType::kBFloat16, "BFloat16Storage"},
    {DType::kInt8, "CharStorage"},
    {DType::kInt16, "ShortStorage"},
    {DType::kInt32, "IntStorage"},
    {DType::kInt64, "LongStorage"},
    {DType::kUInt8, "ByteStorage"},
    {DType::kBool, "BoolStorage"},
    {DType::kComplex64, "ComplexFloatStorage"},
    {DType::kComplex128, "ComplexDoubleStorage"},
};

std::string_view typed_storage(DType dtype) {
  const auto* const found =
      std::find_if(std::begin(kTypedStorages), std::end(kTypedStorages),
                   [&](const TypedStorage& known) { return known.dtype == dtype; });
  return found == std::end(kTypedStorages) ? std::string_view() : found->name;
}

tl::unexpected<Error> unsupported(std::string_view what) {
  return fail(ErrorCode::kUnsupported, std::string(what) + " cannot be written to a PyTorch file");
}

class PickleWriter {
 public:
  explicit PickleWriter(const StoragePlan& plan) : plan_(plan) {}

  Result<void> write(const Value& value) {
    return std::visit([this](const auto& item) { return this->put(item); }, value.variant());
  }

  std::string& text() { return out_; }

 private:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<char>(value >> (8 * i)));
  }

  void global(std::string_view module, std::string_view name) {
    out_ += 'c';
    (out_ += module) += '\n';
    (out_ += name) += '\n';
  }

  /// BINUNICODE. @pre well-formed UTF-8
  void unicode(std::string_view text) {
    out_ += 'X';
    number(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }

  void integer(std::int64_t value) {
    if (value >= 0 && value <= 0xff) {
      out_ += 'K';
      number(static_cast<std::uint8_t>(value));
    } else if (value >= 0 && value <= 0xffff) {
      out_ += 'M';
      number(static_cast<std::uint16_t>(value));
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
      out_ += 'J';
      number(static_cast<std::uint32_t>(value));
    } else {
      out_ += "\x8a\x08"sv;  // LONG1 of 8 bytes
      number(static_cast<std::uint64_t>(value));
    }
  }

  void integers(std::span<const std::int64_t> values) {
    out_ += '(';
    for (const std::int64_t value : values) integer(value);
    out_ += 't';
  }

  Result<void> put(std::monostate) {
    out_ += 'N';
    return {};
  }

  Result<void> put(bool value) {
    out_ += value ? '\x88' : '\x89';
    return {};
  }

  Result<void> put(std::int64_t value) {
    integer(value);
    return {};
  }

  Result<void> put(double value) {
    out_ += 'G';
    number(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
    return {};
  }

  Result<void> put(const std::string& text) {
    if (!core::is_utf8(text) || text.size() > UINT32_MAX)
      return unsupported("text that is not UTF-8");
    unicode(text);
    return {};
  }

  /// Protocol 2 has no bytes: they are text of the same codes, encoded as latin1.
  Result<void> put(const core::Bytes& bytes) {
    std::string text;
    for (const char c : bytes.data) {
      const auto code = static_cast<unsigned char>(c);
      if (code >= 0x80) text += static_cast<char>(0xc0U | (code >> 6U));
      text += static_cast<char>(code >= 0x80 ? 0x80U | (code & 0x3fU) : code);
    }
    global("_codecs", "encode");
    unicode(text);
    unicode("latin1");
    out_ += "\x86R"sv;  // TUPLE2 REDUCE
    return {};
  }

  Result<void> put(const core::BigInteger& value) {
    const auto bytes = integer_bytes(value);
    if (!bytes || bytes->size() > 0xff)
      return unsupported("the integer " + core::quote(value.digits));
    out_ += '\x8a';
    number(static_cast<std::uint8_t>(bytes->size()));
    out_ += *bytes;
    return {};
  }

  Result<void> put(const core::Opaque& value) { return unsupported("a " + value.what); }

  Result<void> put(const core::List& items) {
    out_ += ']';
    if (items.empty()) return {};
    out_ += '(';
    for (const Value& item : items) WAKEBUILDER_CHECK(write(item));
    out_ += 'e';
    return {};
  }

  Result<void> put(const core::Tuple& tuple) {
    out_ += '(';
    for (const Value& item : tuple.items) WAKEBUILDER_CHECK(write(item));
    out_ += 't';
    return {};
  }

  Result<void> put(const core::Dict& dict) {
    out_ += '}';
    if (dict.empty()) return {};
    out_ += '(';
    for (const auto& [key, value] : dict) {
      WAKEBUILDER_CHECK(write(key));
      if (auto written = write(value); !written) {
        const auto* name = key.get_if<std::string>();
        return fail_in(name != nullptr ? core::quote(*name) : "?", std::move(written).error());
      }
    }
    out_ += 'u';
    return {};
  }

  Result<void> put(const core::Tensor& tensor) {
    const std::string_view typed = typed_storage(tensor.dtype());
    const StoragePlan::Place place = plan_.place(tensor);
    global("torch._utils", typed.empty() ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    out_ += '(';
    persistent_id(place.storage, typed);
    integer(static_cast<std::int64_t>(place.offset));
    integers(tensor.shape());
    integers(contiguous_strides(tensor.shape()));
    out_ += '\x89';  // requires_grad: False
    global("collections", "OrderedDict");
    out_ += ")R"sv;  // EMPTY_TUPLE REDUCE: no hooks
    if (typed.empty()) global("torch", core::to_string(tensor.dtype()));
    out_ += "tR"sv;  // TUPLE REDUCE
    return {};
  }

  void persistent_id(std::size_t index, std::string_view typed) {
    const StoragePlan::Storage& storage = plan_.storages()[index];
    const std::size_t item = typed.empty() ? 1 : core::item_size(storage.dtype);
    out_ += '(';
    unicode("storage");
    global(typed.empty() ? "torch.storage" : "torch", typed.empty() ? "UntypedStorage" : typed);
    unicode(std::to_string(index));
    unicode("cpu");
    integer(static_cast<std::int64_t>(storage.bytes.size() / item));
    out_ += "tQ"sv;  // TUPLE BINPERSID
  }

  static core::Shape contiguous_strides(const core::Shape& shape) {
    core::Shape strides(shape.size(), 1);
    for (std::size_t i = shape.size(); i-- > 1;) {
      strides[i - 1] =
          strides[i] * std::max<std::int64_t>(shape[i], 1);  // as torch counts empty ones
    }
    return strides;
  }

  const StoragePlan& plan_;
  std::string out_;
};

}  // namespace

Result<std::string> write_pickle(const core::Value& root, const StoragePlan& plan) {
  PickleWriter writer(plan);
  writer.text() = "\x80\x02"sv;
  WAKEBUILDER_CHECK(writer.write(root));
  writer.text() += '.';
  return std::move(writer.text());
}

}  // namespace wakebuilder::checkpoint
