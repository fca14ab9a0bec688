/** The characters that the pictures are made of, and what stands for them outside UTF-8. */
import { isUtf8 } from "../terminal/text.ts";

const unicode = {
  full: "█",
  /** None of the bars, whatever its colour. */
  half: "▌",
  shade: "░",
  dot: "·",
  gap: "╎",
  dagger: "†",
  cross: "×",
  bars: "▁▂▃▄▅▆▇",
} as const;

const ascii: Record<keyof typeof unicode, string> = {
  full: "#",
  half: "=",
  shade: ".",
  dot: ".",
  gap: ":",
  dagger: "+",
  cross: "x",
  bars: "",
};

/** Chosen once: the locale of a process does not change. */
export const glyphs: Record<keyof typeof unicode, string> = isUtf8() ? unicode : ascii;
