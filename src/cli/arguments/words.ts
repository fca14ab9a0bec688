/**
 * A command line's words, taken apart strictly. citty's parser is not used: it swallows an unknown option, takes a missing
 * value for an empty one, finds `-t -1` ambiguous, and loads node:util, which costs half as much as an empty program.
 */
import type { ArgDef, ArgsDef } from "citty";
import { seedOptionOf } from "./seed.ts";

/** A command line that cannot be understood: status 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An option as it was given. */
export interface OptionWord {
  /** Its long name, or undefined if no such option is known. */
  name: string | undefined;
  /** As it was written, for messages: `-t`, `--get-timeout`. */
  shown: string;
  value: string | undefined;
  /** Whether only the beginning of its name was written, as the Python tool allows. */
  isAbbreviated: boolean;
  /** Which word of the command line the value is in, and after how many characters of it. */
  valueAt: { word: number; offset: number };
}

/**
 * Reads words as getopt_long(3) does: `-t 5`, `-t5`, `-qt5`, `--get-timeout 5`, `--get-timeout=5`. A value may start with
 * a dash, as in `-t -1`, unless it is an option.
 */
export class WordReader {
  /** The options so far, in their order. */
  readonly options: OptionWord[] = [];
  readonly #words: readonly string[];
  readonly #known: ArgsDef;
  #own: ArgsDef | undefined;
  #next = 0;
  #optionsEnded = false;

  /** @param known the options that there are; others are kept without a name */
  constructor(words: readonly string[], known: ArgsDef) {
    this.#words = words;
    this.#known = known;
  }

  /** Reads on for a command: a letter that several options have means its own one, as `-n` does with `history`. */
  readFor(options: ArgsDef): void {
    this.#own = options;
  }

  /**
   * Reads options up to the next word that is none.
   *
   * @returns that word, which stays unread; undefined at `--` and at the end
   * @throws {UsageError} for a value that is missing or not wanted
   */
  peek(): string | undefined {
    for (;;) {
      const word = this.#words[this.#next];
      if (word === undefined || this.#optionsEnded) return word;
      if (word === "--") return undefined;
      if (word === "-" || !word.startsWith("-")) return word;
      this.#next += 1;
      if (word.startsWith("--")) this.#readLong(word);
      else this.#readShort(word);
    }
  }

  /** Reads up to the next word that is no option, and that word. @returns undefined at `--` and at the end */
  take(): string | undefined {
    const word = this.peek();
    if (word !== undefined) this.#next += 1;
    return word;
  }

  /** Skips a `--`: no word after it is an option. @returns whether there was one */
  endOptions(): boolean {
    if (this.#optionsEnded || this.#words[this.#next] !== "--") return false;
    this.#next += 1;
    this.#optionsEnded = true;
    return true;
  }

  /** Reads on to the end. @returns the words that are no options, and all words after `--` */
  takeAll(): string[] {
    const words: string[] = [];
    for (let word = this.take(); word !== undefined; word = this.take()) words.push(word);
    return [...words, ...this.rest];
  }

  /** The words that were not read, without a `--` that comes next. */
  get rest(): readonly string[] {
    return this.#words.slice(this.restAt);
  }

  /** Which word is the first of {@link rest}. */
  get restAt(): number {
    return this.#next + (this.#words[this.#next] === "--" ? 1 : 0);
  }

  #readLong(word: string): void {
    const [shown = word] = word.split("=", 1);
    const value = word === shown ? undefined : word.slice(shown.length + 1);
    const valueAt = { word: this.#next - 1, offset: shown.length + 1 };
    const text = shown.slice(2);
    const exact = this.#findLong(text);
    const [name, definition] = exact ?? this.#findLong(seedOptionOf(text)) ?? [];
    const isAbbreviated = exact === undefined && name !== undefined;
    const option: OptionWord = { name, shown, value, isAbbreviated, valueAt };
    this.options.push(option);
    if (definition === undefined) return;
    if (takesValue(definition)) {
      if (value === undefined) this.#takeValue(option);
    } else if (value !== undefined) {
      throw new UsageError(`${shown} takes no value`);
    }
  }

  #readShort(word: string): void {
    const at = this.#next - 1;
    for (let index = 1; index < word.length; index++) {
      const letter = word.charAt(index);
      const [name, definition] = this.#findShort(letter) ?? [];
      const offset = index + (word.charAt(index + 1) === "=" ? 2 : 1);
      const option: OptionWord = {
        name,
        shown: `-${letter}`,
        value: undefined,
        isAbbreviated: false,
        valueAt: { word: at, offset },
      };
      this.options.push(option);
      if (definition !== undefined && takesValue(definition)) {
        if (index + 1 < word.length) option.value = word.slice(offset);
        else this.#takeValue(option);
        return;
      }
      // Of -1 and the like the rest is not more options.
      if (name === undefined) return;
    }
  }

  #takeValue(option: OptionWord): void {
    const value = this.#words[this.#next];
    if (value === undefined || value === "--") {
      // That the command does not take it says more.
      if (this.#own !== undefined && !Object.hasOwn(this.#own, option.name ?? "")) return;
      throw new UsageError(`${option.shown} needs a value`);
    }
    if (this.#isOption(value)) {
      const joined = `${option.shown}${option.shown.startsWith("--") ? "=" : ""}${value}`;
      throw new UsageError(
        `${option.shown} needs a value; if ${value} is its value, write ${joined}`,
      );
    }
    option.value = value;
    option.valueAt = { word: this.#next, offset: 0 };
    this.#next += 1;
  }

  #isOption(word: string): boolean {
    const [name = ""] = word.slice(2).split("=", 1);
    if (word.startsWith("--")) return this.#findLong(name) !== undefined;
    const isShort = word.length === 2 && word.startsWith("-");
    return isShort && this.#findShort(word.charAt(1)) !== undefined;
  }

  #findLong(text: string | undefined): [name: string, ArgDef] | undefined {
    return Object.entries(this.#known).find(
      ([name, definition]) =>
        name === text || aliasesOf(definition).some((alias) => alias.length > 1 && alias === text),
    );
  }

  #findShort(letter: string): [name: string, ArgDef] | undefined {
    const hasLetter = ([, definition]: [string, ArgDef]) => aliasesOf(definition).includes(letter);
    const own = Object.entries(this.#own ?? {}).find(hasLetter);
    return own ?? Object.entries(this.#known).find(hasLetter);
  }
}

function takesValue({ type }: ArgDef): boolean {
  return type === "string" || type === "enum";
}

/** The other names of an option, one letter or several. */
export function aliasesOf(definition: ArgDef): readonly string[] {
  const alias = "alias" in definition ? definition.alias : undefined;
  if (alias === undefined) return [];
  return typeof alias === "string" ? [alias] : alias;
}
