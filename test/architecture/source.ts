/** What a file of src declares and says, by its syntax. */
import { type Argument, type Expression, parseSync, type Statement, Visitor } from "oxc-parser";

/** A name at the top level of a file. */
export interface TopLevelName {
  name: string;
  isExported: boolean;
}

export function topLevelNames(path: string, source: string): TopLevelName[] {
  return parseSync(path, source).program.body.flatMap((statement) => {
    const isExported = statement.type === "ExportNamedDeclaration";
    const declaration = isExported ? statement.declaration : statement;
    return declaredBy(declaration).map((name) => ({ name, isExported }));
  });
}

function declaredBy(declaration: Statement | null): string[] {
  switch (declaration?.type) {
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return declaration.id === null ? [] : [declaration.id.name];
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return [declaration.id.name];
    case "VariableDeclaration":
      return declaration.declarations.flatMap(({ id }) =>
        id.type === "Identifier" ? [id.name] : [],
      );
    default:
      return [];
  }
}

/** A text that an error is made with; what is filled in stands as `${}`. */
export interface ErrorText {
  /** The name of the error's class. */
  error: string;
  text: string;
}

export function errorTexts(path: string, source: string): ErrorText[] {
  const texts: ErrorText[] = [];
  new Visitor({
    NewExpression({ callee, arguments: given }) {
      if (callee.type !== "Identifier" || !callee.name.endsWith("Error")) return;
      for (const argument of given) {
        const text = textOf(argument);
        // Words without a space are codes, such as "corrupt", and names of system calls.
        if (text?.includes(" ") === true) texts.push({ error: callee.name, text });
      }
    },
  }).visit(parseSync(path, source).program);
  return texts;
}

function textOf(argument: Argument | Expression): string | undefined {
  if (argument.type === "Literal" && typeof argument.value === "string") return argument.value;
  if (argument.type === "TemplateLiteral") {
    return argument.quasis.map(({ value }) => value.cooked ?? "").join("${}");
  }
  return undefined;
}

/** What is wrong with the form of an error's text; undefined when nothing is. */
export function faultOfErrorText({ error, text }: ErrorText): string | undefined {
  // The line of a command that is wrong is told by its own word, as in "unknown option --x".
  if (error !== "UsageError" && /^[a-z]/.test(text)) return "it begins without a capital";
  if (text.endsWith(".")) return "it ends with a period";
  if (/\b(?:\w+n't|it's|that's|there's|\w+'(?:ll|re|ve))\b/i.test(text)) {
    return "it has a contraction";
  }
  if (/lock <\$\{\}>/.test(text)) return "the lock's name is not in quotes";
  return undefined;
}
