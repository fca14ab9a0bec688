/** All texts in the source that somebody may read: errors, results, notices, findings, help. */
import { parseSync, Visitor } from "oxc-parser";

/** A text, and the line that it stands in. */
interface Text {
  line: number;
  text: string;
}

interface Span {
  start: number;
  end: number;
}

/** Words of a language, and not a name, a path or a pattern. */
const isForReading = (text: string) => /\p{L}{2,}['",;:.)]* +[('"{]*\p{L}/u.test(text);

/** Finds the texts of a file, in its order. What a template puts in is shown as `{expression}`. */
export function textsOf(path: string, source: string): string[] {
  const { program, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`Cannot parse ${path}: ${errors[0]?.message}`);
  const found: Text[] = [];
  const add = ({ start }: Span, text: string) => {
    const words = text.replaceAll(/\s+/g, " ").trim();
    if (isForReading(words)) found.push({ line: start, text: words });
  };
  const sourceOf = ({ start, end }: Span) => source.slice(start, end).replaceAll(/\s+/g, " ");
  new Visitor({
    Literal(node) {
      if (typeof node.value === "string") add(node, node.value);
    },
    TemplateLiteral(node) {
      const parts = node.quasis.map(({ value }, index) => {
        const expression = node.expressions[index];
        const put = expression === undefined ? "" : `{${sourceOf(expression)}}`;
        return (value.cooked ?? value.raw) + put;
      });
      add(node, parts.join(""));
    },
  }).visit(program);
  return found.toSorted((one, other) => one.line - other.line).map(({ text }) => text);
}
