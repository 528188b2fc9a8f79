#include "cli/completion.h"

namespace wakebuilder::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string bash_completion(const std::vector<CompletionVerb>& verbs) {
  std::string names;
  std::string cases;
  for (const CompletionVerb& verb : verbs) {
    names += (names.empty() ? "" : " ") + verb.name;
    cases += "    " + verb.name + ") options=\"" + joined(verb.options) + "\" ;;\n";
  }
  return R"sh(# bash completion for wakebuilder: source <(wakebuilder completion)
_wakebuilder() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options=
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W ")sh" +
         names + R"sh( --help --version" -- "$word"))
    return
  fi
  if [ "$previous" = --model ]; then
    local models=${WAKEBUILDER_MODELS:-models}
    COMPREPLY=($(cd "$models" 2>/dev/null && compgen -W "$(printf '%s\n' custom/*/ default/*/ | cut -d/ -f2 | grep -v '\*')" -- "$word"))
    return
  fi
  case ${COMP_WORDS[1]} in
)sh" + cases +
         R"sh(  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _wakebuilder wakebuilder
)sh";
}

}  // namespace wakebuilder::cli
