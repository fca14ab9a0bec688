import { options } from "./arguments.ts";
import { command } from "./command.ts";
export default command({
  name: "doctor",
  description: "Check this host and its locks",
  args: { help: options.help },
  run: () => 0,
});
