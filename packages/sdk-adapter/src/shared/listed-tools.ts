import type { ServicePrincipal } from '@credence/core';
import { identifier } from '@credence/protocol';
import { equalityKey } from '../schema/equality.ts';
import { isList, isMembers, type JsonMembers } from '../schema/json-value.ts';
import type { SchemaLimits } from '../schema/limits.ts';
import { safeSchemaValidator, type UnusableSchemaReport } from '../schema/safe-schema-validator.ts';

/** Warnings about one list. More problems are counted in one further warning. */
const MAX_WARNINGS = 50;
/** Tools whose schema is kept, to name the tool when a validation turns out to be too much work. */
const MAX_KEPT = 1_000;
/** The warnings that are remembered, so that each is emitted once although tools are listed again. */
const MAX_REMEMBERED = 10_000;

const warned = new WeakMap<ServicePrincipal, Set<string>>();

export interface ListedToolsOptions {
  /** Whether the SDK accepts a value as a tool in a list. */
  readonly isTool: (value: JsonMembers) => boolean;
  readonly limits: SchemaLimits | undefined;
}

/**
 * Checks the tools in the messages of a server before the SDK reads them. The SDK refuses a whole list because of one tool that it
 * cannot read. This class leaves out that tool, or only its output schema, and emits a warning. The other tools stay as they are.
 */
export class ListedTools {
  readonly #bot: ServicePrincipal;
  readonly #server: string;
  readonly #options: ListedToolsOptions;
  readonly #schemas = new Map<string, unknown>();

  constructor(bot: ServicePrincipal, server: string, options: ListedToolsOptions) {
    this.#bot = bot;
    this.#server = server;
    this.#options = options;
  }

  /** Checks a JSON-RPC message, and changes it if it is the response to `tools/list`. Never throws. */
  check(message: object): void {
    if (!('result' in message) || !isMembers(message.result)) return;
    const { result } = message;
    // The result of a tool may have a member `tools` of its own.
    if (!isList(result.tools) || 'content' in result || 'structuredContent' in result) return;
    const problems: [tool: string, problem: string][] = [];
    const tools = result.tools.flatMap((tool) => {
      const { usable, problem } = this.#usable(tool);
      if (problem !== undefined) problems.push([nameOf(tool), problem]);
      return usable === undefined ? [] : [usable];
    });
    Object.assign(result, { tools });
    for (const [tool, problem] of problems.slice(0, MAX_WARNINGS)) this.#warn(tool, problem);
    const others = problems.length - MAX_WARNINGS;
    if (others > 0) this.#warn(`${others} other tools`, 'have similar problems.');
  }

  /** Reports an output schema that cannot be used. `connectMcp` passes this to the validator of its client. */
  unusable({ schema, reason }: UnusableSchemaReport): void {
    const key = keyOf(schema);
    const tool = [...this.#schemas].find(([, known]) => keyOf(known) === key)?.[0];
    this.#warn(tool ?? 'A tool', notValidated(reason));
  }

  #usable(tool: unknown): { usable?: unknown; problem?: string } {
    if (!isMembers(tool)) return { problem: 'is left out, because it is not an object.' };
    const reason = this.#problemOf(tool.outputSchema);
    if (reason === undefined && this.#options.isTool(tool)) {
      if (tool.outputSchema !== undefined && this.#schemas.size < MAX_KEPT)
        this.#schemas.set(nameOf(tool), tool.outputSchema);
      return { usable: tool };
    }
    const usable = withoutOutputSchema(tool);
    if (!this.#options.isTool(usable)) return { problem: 'is left out, because its definition is not valid.' };
    return { usable, problem: notValidated(reason ?? 'the SDK does not support it') };
  }

  #problemOf(schema: unknown): string | undefined {
    if (schema === undefined) return undefined;
    const { limits } = this.#options;
    let problem: string | undefined;
    const onUnusable = ({ reason }: UnusableSchemaReport) => (problem = reason);
    safeSchemaValidator({ onUnusable, ...(limits && { limits }) }).getValidator(schema);
    return problem;
  }

  #warn(tool: string, problem: string): void {
    const message = `${tool} of server "${this.#server}" ${problem}`;
    const messages = warned.get(this.#bot) ?? new Set();
    warned.set(this.#bot, messages);
    if (messages.has(message) || messages.size === MAX_REMEMBERED) return;
    messages.add(message);
    try {
      const remedy = `Ask the owner of server "${this.#server}" to correct the definitions of its tools.`;
      this.#bot.warn(this.#server, { leg: 'call', message, remedy });
    } catch {
      // The principal is closed, so no one reads its events.
    }
  }
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

function keyOf(schema: unknown): string | undefined {
  try {
    return equalityKey(schema, { spend: () => undefined });
  } catch {
    return undefined;
  }
}
