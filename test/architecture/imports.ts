/** What the files of src import: static and lazy, values and types. */
import { dirname, join, normalize } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

export interface Import {
  /** The importing file, relative to the root of the clone. */
  from: string;
  /** The imported file, relative to the root of the clone, or a package's name. */
  to: string;
}

/** Reads the imports of one file. A type counts like a value, because a reader has to follow both. */
export function importsOf(from: string, source: string): Import[] {
  const { program, errors } = parseSync(from, source);
  if (errors.length > 0) throw new Error(`Cannot parse ${from}: ${errors[0]?.message}`);
  const specifiers: string[] = [];
  const add = (node: unknown) => {
    if (!isText(node)) {
      throw new Error(`Cannot tell what ${from} imports: name the file in a literal`);
    }
    specifiers.push(node.value);
  };
  new Visitor({
    ImportDeclaration: ({ source: specifier }) => add(specifier),
    ExportAllDeclaration: ({ source: specifier }) => add(specifier),
    ExportNamedDeclaration: ({ source: specifier }) => {
      if (specifier !== null) add(specifier);
    },
    ImportExpression: ({ source: specifier }) => add(specifier),
    TSImportType: ({ source: specifier }) => add(specifier),
    TSExternalModuleReference: ({ expression }) => add(expression),
  }).visit(program);
  return specifiers.map((specifier) => ({ from, to: resolve(from, specifier) }));
}

function isText(node: unknown): node is { value: string } {
  return (
    typeof node === "object" && node !== null && "value" in node && typeof node.value === "string"
  );
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith(".") ? normalize(join(dirname(from), specifier)) : specifier;
}

/** Finds the circles among imports, each once, from the file whose path sorts first: `a -> b -> a`. */
export function circlesIn(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const circles = new Set<string>();
  const finished = new Set<string>();
  const follow = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start !== -1) {
      circles.add(circleText(path.slice(start)));
      return;
    }
    if (finished.has(file)) return;
    for (const { to } of targets.get(file) ?? []) follow(to, [...path, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) follow(file, []);
  return [...circles].toSorted();
}

function circleText(files: readonly string[]): string {
  const first = files.indexOf(files.toSorted()[0] ?? "");
  const circle = [...files.slice(first), ...files.slice(0, first + 1)];
  return circle.join(" -> ");
}
