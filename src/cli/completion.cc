#include "cli/completion.h"

namespace wakebuilder::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Names of files and folders never go through `compgen -W`, which expands what it is given: a
// folder called $(...) would be run.
constexpr const char* kBegin =
    R"sh(# bash completion for wakebuilder: source <(wakebuilder completion)
_wakebuilder() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options= folder
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W ")sh";

constexpr const char* kRegistry = R"sh( --help --version" -- "$word")
    return
  fi
  if [ "$previous" = --model ]; then
    for folder in "${WAKEBUILDER_MODELS:-models}"/{custom,default}/"$word"*/; do
      [ -d "$folder" ] || continue
      folder=${folder%/}
      COMPREPLY+=("$(printf %q "${folder##*/}")")
    done
    return
  fi
  case ${COMP_WORDS[1]} in
)sh";

constexpr const char* kEnd = R"sh(  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _wakebuilder wakebuilder
)sh";

}  // namespace

std::string bash_completion(const std::vector<CompletionVerb>& verbs) {
  std::vector<std::string> names;
  std::string cases;
  for (const CompletionVerb& verb : verbs) {
    names.push_back(verb.name);
    cases += "    " + verb.name + ") options=\"" + joined(verb.options) + "\" ;;\n";
  }
  return kBegin + joined(names) + kRegistry + cases + kEnd;
}

}  // namespace wakebuilder::cli
