/**
 * Rolls the declarations that tsc made of the library up into one file for each of its entries, with only what a
 * program can name. What the types reach without exporting it is an error: nobody could name it.
 *
 *   bun scripts/library-types.ts DECLARATIONS OUT
 */
import { dirname, join, normalize } from "node:path";
import { parseSync, type Program, type Statement, Visitor } from "oxc-parser";

/** The later one imports from the earlier one what both have. */
const entries = { index: "index.d.ts", etcd: "etcd/etcd-lock.d.ts" };

/** A name of a module: all declarations of it, such as the overloads of a function. */
interface Declared {
  readonly file: string;
  readonly name: string;
  readonly texts: string[];
  /** The names that it uses, globals among them. */
  readonly uses: Set<string>;
}

interface Origin {
  readonly from: string;
  readonly name: string;
}

interface Module {
  readonly declared: Map<string, Declared>;
  readonly imports: Map<string, Origin>;
  /** The exported names: undefined for one that is declared here. */
  readonly exports: Map<string, Origin | undefined>;
  readonly stars: string[];
}

const [directory = "", out = ""] = process.argv.slice(2);
const modules = new Map<string, Module>();

async function moduleOf(file: string): Promise<Module> {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const found = readModule(file, await Bun.file(join(directory, file)).text());
  modules.set(file, found);
  return found;
}

function readModule(file: string, source: string): Module {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`Cannot parse ${file}: ${errors[0]?.message}`);
  const found: Module = { declared: new Map(), imports: new Map(), exports: new Map(), stars: [] };
  let end = 0;
  for (const statement of program.body) {
    const before = source.slice(end, statement.start);
    end = statement.end;
    readStatement(found, statement, { file, source, program, before });
  }
  return found;
}

interface Place {
  readonly file: string;
  readonly program: Program;
  readonly source: string;
  /** What stands between the statement before it and this one: its comment. */
  readonly before: string;
}

function readStatement(found: Module, statement: Statement, place: Place): void {
  const { file } = place;
  switch (statement.type) {
    case "ImportDeclaration":
      for (const { type, local, ...specifier } of statement.specifiers) {
        if (type !== "ImportSpecifier" || !("imported" in specifier)) {
          throw new Error(`Cannot roll up ${file}: it imports ${local.name} as a whole`);
        }
        const from = resolve(file, statement.source.value);
        found.imports.set(local.name, { from, name: nameOf(specifier.imported) });
      }
      return;
    case "ExportAllDeclaration":
      found.stars.push(resolve(file, statement.source.value));
      return;
    case "ExportNamedDeclaration":
      for (const { local, exported } of statement.specifiers) {
        const name = nameOf(exported);
        const own = nameOf(local);
        if (name !== own) throw new Error(`Cannot roll up ${file}: it exports ${own} as ${name}`);
        const from = statement.source && resolve(file, statement.source.value);
        found.exports.set(name, from === null ? found.imports.get(own) : { from, name });
      }
      if (statement.declaration === null) return;
      for (const name of declare(found, statement.declaration, place)) {
        found.exports.set(name, undefined);
      }
      return;
    default:
      declare(found, statement, place);
  }
}

/** Notes a declaration. @returns the names that it declares */
function declare(found: Module, statement: Statement, place: Place): string[] {
  const { file, source, before } = place;
  const names =
    statement.type === "VariableDeclaration"
      ? statement.declarations.map(({ id }) => ("name" in id ? id.name : ""))
      : "id" in statement && statement.id !== null && "name" in statement.id
        ? [statement.id.name]
        : [];
  const comment = /\/\*\*(?:(?!\*\/)[^])*\*\/\s*$/.exec(before)?.[0].trim();
  const text = source.slice(statement.start, statement.end);
  for (const name of names) {
    const declared = found.declared.get(name) ?? { file, name, texts: [], uses: new Set() };
    declared.texts.push(`${comment === undefined ? "" : `${comment}\n`}export ${text}`);
    for (const used of usesOf(statement, place)) declared.uses.add(used);
    found.declared.set(name, declared);
  }
  return names;
}

/** The names that stand for types and classes in a declaration. */
function usesOf(statement: Statement, { file, program }: Place): Set<string> {
  const names = new Set<string>();
  const add = (node: object | null) => {
    if (node === null) return;
    if ("left" in node && typeof node.left === "object") add(node.left);
    else if ("name" in node && typeof node.name === "string") names.add(node.name);
  };
  new Visitor({
    TSTypeReference: ({ typeName }) => add(typeName),
    TSTypeQuery: ({ exprName }) => add(exprName),
    TSInterfaceHeritage: ({ expression }) => add(expression),
    TSClassImplements: ({ expression }) => add(expression),
    ClassDeclaration: ({ superClass }) => add(superClass),
    TSImportType: ({ source }) => {
      throw new Error(`Cannot roll up ${file}: name the type of import(${source.raw})`);
    },
  }).visit({ ...program, body: [statement] });
  return names;
}

const nameOf = (node: { name: string } | { value: string }) =>
  "name" in node ? node.name : node.value;

function resolve(file: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return normalize(join(dirname(file), specifier)).replace(/\.ts$/, ".d.ts");
}

/** Follows a name that a file declares or imports. @returns undefined for a global */
async function find(file: string, name: string): Promise<Declared | undefined> {
  const { declared, imports } = await moduleOf(file);
  const origin = imports.get(name);
  return declared.get(name) ?? (origin && findExport(origin));
}

async function findExport({ from, name }: Origin): Promise<Declared> {
  if (!from.endsWith(".d.ts")) throw new Error(`Cannot roll up ${name} of ${from}: it is not ours`);
  for (const exported of await exportsOf(from)) if (exported.name === name) return exported;
  throw new Error(`Cannot find ${name} in ${from}`);
}

/** All that a file exports, in its order. */
async function exportsOf(file: string): Promise<Declared[]> {
  const { declared, exports, stars } = await moduleOf(file);
  const found: Declared[] = [];
  for (const star of stars) found.push(...(await exportsOf(star)));
  for (const [name, origin] of exports) {
    const own = origin === undefined ? declared.get(name) : await findExport(origin);
    if (own === undefined) throw new Error(`Cannot find ${name} in ${file}`);
    found.push(own);
  }
  return found;
}

/** The names of `earlier` that these declarations use; another one that is not exported is an error. */
async function sharedBy(
  exported: readonly Declared[],
  earlier: ReadonlySet<Declared>,
): Promise<Set<string>> {
  const shared = new Set<string>();
  for (const { file, name, uses } of exported) {
    for (const use of uses) {
      const used = await find(file, use);
      if (used === undefined || exported.includes(used)) continue;
      if (!earlier.has(used)) {
        throw new Error(
          `Cannot roll up ${name}: it uses ${use} of ${used.file}, which is not exported`,
        );
      }
      shared.add(use);
    }
  }
  return shared;
}

const earlier = new Set<Declared>();
for (const [entry, file] of Object.entries(entries)) {
  const exported = await exportsOf(file);
  const shared = [...(await sharedBy(exported, earlier))].toSorted();
  const parts = exported.flatMap(({ texts }) => texts);
  if (shared.length > 0) parts.unshift(`import type { ${shared.join(", ")} } from "./index.js";`);
  await Bun.write(join(out, `${entry}.d.ts`), `${parts.join("\n\n")}\n`);
  for (const one of exported) earlier.add(one);
}
