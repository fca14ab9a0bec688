/** A terminal with an interactive shell in it, for tests to type into and look at: tmux. */
import { onTestFinished } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, runToEnd } from "../../support/process.ts";
import { eventually } from "../../support/eventually.ts";

/** So that a prompt can be told from the one before: it has the number of the command that is to come. */
const prompt = "[\\#]$ ";

/** None of them reads what its user has configured. */
const shells = {
  bash: "bash --noprofile --norc",
  // Its prompt has the number too.
  zsh: "env PS1='[%h]$ ' zsh -f",
  // Its prompt has only that of the first command.
  fish: `fish --no-config --init-command 'set fish_greeting; set fish_autosuggestion_enabled 0; function fish_prompt; echo "[1]\\$ "; end'`,
};

export type ShellName = keyof typeof shells;

export class Terminal {
  readonly #directory: string;
  #commands = 0;
  #closed = false;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens a terminal that is gone when the test has ended. `resourcelock` in it is the binary. */
  static async open({
    columns = 80,
    lines = 24,
    shell = "bash",
  }: { columns?: number; lines?: number; shell?: ShellName } = {}): Promise<Terminal> {
    const directory = mkdtempSync(join(tmpdir(), "test-terminal-"));
    symlinkSync(binary, join(directory, "resourcelock"));
    const terminal = new Terminal(directory);
    onTestFinished(async () => {
      if (!terminal.#closed) await terminal.close();
      rmSync(directory, { recursive: true });
    });
    const size = ["-x", String(columns), "-y", String(lines)];
    await terminal.#tmux("new-session", "-d", "-c", directory, ...size, shells[shell]);
    await terminal.prompt();
    return terminal;
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.keys(line);
    await this.press("Enter");
  }

  /** Types a command at the prompt. */
  async command(line: string): Promise<void> {
    this.#commands += 1;
    await this.type(line);
  }

  /** Clears the screen, so that what is seen next is new. */
  async clear(): Promise<void> {
    await this.command("clear");
    await this.see(new RegExp(`^\\[${this.#commands + 1}\\]\\$\n*$`));
  }

  /** Types a text, without the Enter behind it. */
  async keys(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", "--", text);
  }

  /** Presses a key, as tmux names it: `C-c`, `Enter`. */
  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  /** What is on the screen. */
  screen(): Promise<string> {
    return this.#tmux("capture-pane", "-p");
  }

  /** What is on the screen, with its colours as SGR sequences, as in `ESC[32m`. */
  async coloredScreen(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", "-e")).replaceAll("\u001B", "ESC");
  }

  /** Whether the cursor is shown. */
  async isCursorShown(): Promise<boolean> {
    return (await this.#tmux("display-message", "-p", "#{cursor_flag}")) === "1\n";
  }

  /** Changes the size of the terminal. */
  async resize(columns: number, lines: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(lines));
  }

  /** Takes the terminal away from the processes in it. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tmux("kill-server");
  }

  /** Waits until something is on the screen. */
  see(pattern: RegExp): Promise<RegExpExecArray> {
    let screen = "";
    return eventually(
      () => `${String(pattern)} on the screen:\n${screen}`,
      async () => {
        screen = await this.screen();
        return pattern.exec(screen);
      },
    );
  }

  /** Waits until bash asks for the next command; the screen it asks on. */
  async prompt(): Promise<string> {
    const { input } = await this.see(new RegExp(`\\[${this.#commands + 1}\\]\\$\n*$`));
    return input;
  }

  /** What a command prints, up to the next prompt. */
  async output(line: string): Promise<string> {
    await this.command(`clear; ${line}`);
    const screen = await this.prompt();
    return screen.slice(0, screen.lastIndexOf("["));
  }

  /** The status of the command before. */
  async status(): Promise<string | undefined> {
    await this.command('echo "status $?"');
    return /.*^status (\d+)$/ms.exec(await this.prompt())?.[1];
  }

  async #tmux(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await runToEnd(
      ["tmux", "-u", "-L", "test", "-f", "/dev/null", ...words],
      {
        env: {
          TMUX_TMPDIR: this.#directory,
          PATH: `${this.#directory}:${process.env["PATH"]}`,
          PS1: prompt,
          HISTFILE: "",
          INPUTRC: "/dev/null",
          SHELL: "/bin/sh",
        },
      },
    );
    if (status !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`);
    return stdout;
  }
}
