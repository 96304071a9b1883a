// Where the code of a command goes, from what the pipeline says.

#include <sys/stat.h>

#include "base/files.h"
#include "base/process.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

class CodePlaces : public SessionTest {
 protected:
  // What a command of a pipeline in "<folder>/team/project" is launched with.
  runners::LaunchSpec Launched(const std::vector<std::string>& code) {
    PipelineMaker maker;
    maker.pipeline.directory = folder_ + "/team/project";
    pipelines::TaskDecl& task = maker[maker.Add("run")];
    pipelines::CommandWork work;
    work.argv = {"true"};
    task.work = work;
    task.outputs.clear();
    for (const std::string& name : code) {
      const std::string path = maker.pipeline.directory + "/" + name;
      std::filesystem::create_directories(std::filesystem::path(path).parent_path());
      EXPECT_TRUE(WriteFileAtomic(path, name).ok());
      task.files.push_back({"code", path, {}});
    }
    const Ran ran = Run(maker.pipeline);
    EXPECT_EQ(ran.launched, Names{"run"});
    return ran.specs.at(0);
  }
  static std::string WorkFolder(const runners::LaunchSpec& spec) {
    return std::get<runners::Command>(spec.work).work_dir.substr(spec.attempt_dir.size());
  }
};

TEST_F(CodePlaces, TheWorkFolderIsAsDeepAsTheCodeReachesUp) {
  EXPECT_EQ(WorkFolder(Launched({"a.py", "lib/b.py"})), "/work");
  const runners::LaunchSpec spec = Launched({"c.py", "../../top.sh", "../side/./s.sh"});
  EXPECT_EQ(WorkFolder(spec), "/work/team/project");
  ASSERT_EQ(spec.files.size(), 3U);
  EXPECT_EQ(spec.files[0].files[0].name, "c.py");
  EXPECT_EQ(spec.files[1].files[0].name, "../../top.sh");
  EXPECT_EQ(spec.files[2].files[0].name, "../side/s.sh");
}

TEST_F(CodePlaces, ACommandThatDeclaresNothingStartsBesideThePipeline) {
  EXPECT_EQ(std::get<runners::Command>(Launched({"a.py"}).work).pipeline_dir,
            folder_ + "/team/project");
}

TEST_F(CodePlaces, ACommandHasTheMaskOfThisProcess) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(FileMask(), mask);
  EXPECT_EQ(std::get<runners::Command>(Launched({}).work).umask, mask);
}

}  // namespace
}  // namespace dml::engine
