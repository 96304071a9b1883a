#include "cli/cmd_completion.h"

#include "cli/completion.h"

namespace dml::cli {

Action SetupCompletion(Args& args, CommonOptions&) {
  auto shell = std::make_shared<std::string>();
  args.Positional("SHELL", *shell, /*required=*/true, "bash, zsh or fish");
  args.Example("source <(dml completion bash)", "in ~/.bashrc");
  args.Example("dml completion zsh > ~/.zfunc/_dml", "a folder of $fpath");
  args.Example("dml completion fish | source", "in config.fish");
  return [shell](Output& output) -> Result<ExitCode> {
    DML_TRY(const std::string script, CompletionScript(*shell));
    if (output.format() == Format::kJson) {
      output.PrintJson({{"script", script}});
    } else {
      output.Print(script);
    }
    return ExitCode::kDone;
  };
}

}  // namespace dml::cli
