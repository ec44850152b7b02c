import type { ServicePrincipal } from '@credence/core';
import { identifier } from '@credence/protocol';
import { equalityKey } from '../schema/equality.ts';
import type { Budget } from '../schema/budget.ts';
import { readingBudget } from '../schema/document.ts';
import { isList, isMembers, isShallow, type JsonMembers } from '../schema/json-value.ts';
import { type SchemaLimits, schemaLimits } from '../schema/limits.ts';
import { reasonOf, type UnusableSchemaReport } from '../schema/safe-schema-validator.ts';
import { readableTool } from './readable-tool.ts';
import { sharedSchema } from '../schema/shared-schemas.ts';

/** Warnings about one list. More problems are counted in one further warning. */
const MAX_WARNINGS = 50;
/** How deeply a tool is nested. The SDKs recurse when they read a tool, so one that is nested more deeply could exhaust the stack. */
const MAX_TOOL_DEPTH = 200;
/** Tools whose schema is kept, to name the tool when a validation turns out to be too much work. */
const MAX_KEPT = 1_000;
/** The warnings that are remembered, so that each is emitted once although tools are listed again. */
const MAX_REMEMBERED = 10_000;

const LEFT_OUT = 'is left out, because ';
const NOT_READ =
  'have output schemas that are not read, because the output schemas of the list together are too much work. The results are not validated.';
const VALUE_REMEDY =
  'The next result is validated again. To validate larger results, set `schemaLimits.work` of `connectMcp` to a higher number.';

const warned = new WeakMap<ServicePrincipal, Set<string>>();

export interface ListedToolsOptions {
  /** Whether the SDK accepts a value as a tool in a list. */
  readonly isTool: (value: JsonMembers) => boolean;
  readonly limits: SchemaLimits | undefined;
  /** Called for each tool that is left out. */
  readonly onToolLeftOut?: ((tool: ToolLeftOut) => void) | undefined;
}

/** A tool of a server that the SDK cannot read, so that it is left out of the list. */
export interface ToolLeftOut {
  /** Its name: the server's text, cleaned, quoted and cut. */
  readonly name: string;
  /** Why, such as `its definition is not valid`. */
  readonly reason: string;
}

/**
 * Checks the tools in the messages of a server before the SDK reads them. The SDK refuses a whole list because of one tool that it
 * cannot read. This class leaves out that tool, or only its output schema, and emits a warning. The other tools stay as they are.
 */
export class ListedTools {
  readonly #bot: ServicePrincipal;
  readonly #server: string;
  readonly #options: ListedToolsOptions;
  readonly #limits: Readonly<Required<SchemaLimits>>;
  readonly #remedy: string;
  readonly #schemas = new Map<string, object>();

  constructor(bot: ServicePrincipal, server: string, options: ListedToolsOptions) {
    this.#bot = bot;
    this.#server = server;
    this.#options = options;
    this.#limits = schemaLimits(options.limits);
    this.#remedy = `Ask the owner of server "${server}" to correct the definitions of its tools.`;
  }

  /**
   * Checks a JSON-RPC message, and changes it if it is the response to `tools/list`. `method` is that of the request to which it is
   * the response, if that is known. Never throws.
   */
  check(message: object, method?: unknown): void {
    if (!('result' in message) || !isMembers(message.result)) return;
    const { result } = message;
    if (!isList(result.tools) || !isToolList(result, method)) return;
    const problems: [tool: string, problem: string][] = [];
    const unread: string[] = [];
    const work = readingBudget(this.#limits);
    const tools = result.tools.flatMap((tool) => {
      const { usable, problem, isUnread } = this.#usable(isMembers(tool) ? readable(tool) : tool, work);
      if (usable === undefined && problem !== undefined) this.#leftOut(tool, problem);
      if (isUnread) unread.push(nameOf(tool));
      else if (problem !== undefined) problems.push([nameOf(tool), problem]);
      return usable === undefined ? [] : [usable];
    });
    Object.assign(result, { tools });
    for (const [tool, problem] of problems.slice(0, MAX_WARNINGS)) this.#warn(tool, problem);
    const others = problems.length - MAX_WARNINGS;
    if (others > 0) this.#warn(`${others} other tools`, 'have similar problems.');
    const [first, ...more] = unread;
    if (first !== undefined) this.#warn(more.length > 0 ? `${first} and ${more.length} more` : first, NOT_READ);
  }

  /** Reports an output schema that cannot be used. `connectMcp` passes this to the validator of its client. */
  unusable({ schema, reason, subject }: UnusableSchemaReport): void {
    const key = keyOf(schema);
    const tool = [...this.#schemas].find(([, known]) => keyOf(known) === key)?.[0] ?? 'A tool';
    if (subject === 'schema') this.#warn(tool, notValidated(reason));
    else this.#warn(tool, `returned a result that is too large to be validated: ${reason}.`, VALUE_REMEDY);
  }

  #usable(tool: unknown, work: Budget): { usable?: unknown; problem?: string; isUnread?: boolean } {
    if (!isMembers(tool)) return { problem: `${LEFT_OUT}it is not an object.` };
    const others = withoutOutputSchema(tool);
    if (!isShallow(others, MAX_TOOL_DEPTH)) {
      return { problem: `${LEFT_OUT}its definition is nested more than ${MAX_TOOL_DEPTH} levels deep.` };
    }
    const { outputSchema } = tool;
    const reason = this.#problemOf(outputSchema, work);
    if (reason === undefined && this.#options.isTool(tool)) {
      if (typeof outputSchema === 'object' && outputSchema !== null && this.#schemas.size < MAX_KEPT)
        this.#schemas.set(nameOf(tool), outputSchema);
      return { usable: tool };
    }
    if (!this.#options.isTool(others)) return { problem: `${LEFT_OUT}its definition is not valid.` };
    const problem = notValidated(reason ?? 'the SDK does not support it');
    return { usable: others, problem, isUnread: work.isSpent };
  }

  #leftOut(tool: unknown, problem: string): void {
    const reason = problem.slice(LEFT_OUT.length).replace(/\.$/u, '');
    this.#options.onToolLeftOut?.({ name: identifier(isMembers(tool) ? tool.name : undefined, { max: 64 }), reason });
  }

  #problemOf(schema: unknown, work: Budget): string | undefined {
    if (schema === undefined) return undefined;
    try {
      sharedSchema(schema, this.#limits, work);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  #warn(tool: string, problem: string, remedy = this.#remedy): void {
    const message = `${tool} of server "${this.#server}" ${problem}`;
    const messages = warned.get(this.#bot) ?? new Set();
    warned.set(this.#bot, messages);
    if (messages.has(message) || messages.size === MAX_REMEMBERED) return;
    messages.add(message);
    try {
      this.#bot.warn(this.#server, { leg: 'call', message, remedy });
    } catch {
      // The principal is closed, so no one reads its events.
    }
  }
}

/** The tool in a form that the SDKs accept. One that is nested too deeply is left as it is. */
function readable(tool: JsonMembers): JsonMembers {
  return isShallow(withoutOutputSchema(tool), MAX_TOOL_DEPTH) ? readableTool(tool) : tool;
}

/** Whether a result is that of `tools/list`. The result of another request, such as of a tool, may have a member `tools` of its own. */
function isToolList(result: JsonMembers, method: unknown): boolean {
  if (method !== undefined) return method === 'tools/list';
  return !('content' in result || 'structuredContent' in result);
}

function notValidated(reason: string): string {
  return `has an output schema that cannot be used: ${reason}. Its results are not validated.`;
}

function withoutOutputSchema(tool: JsonMembers): JsonMembers {
  const { outputSchema: _, ...others } = tool;
  return others;
}

function nameOf(tool: unknown): string {
  return `The tool ${identifier(isMembers(tool) ? tool.name : undefined, { max: 64 })}`;
}

const keys = new WeakMap<object, string>();

/** A text for a schema. Two equal schemas have the same, also after the SDK has copied them. It is made once for each object. */
function keyOf(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  try {
    const key = keys.get(schema) ?? equalityKey(schema, { spend: () => undefined });
    keys.set(schema, key);
    return key;
  } catch {
    return undefined;
  }
}
