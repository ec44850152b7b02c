import { CredenceError } from '@credence/core';
import { identifier, isJsonObject, type JsonObject } from '@credence/protocol';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { adaptedTool, type AdaptOptions, type CallingClient } from '../mcp-adapters.ts';
import { argumentsChecker } from '../schema/arguments-checker.ts';
import { portableSchema } from '../schema/portable-schema.ts';
import { checkArgumentsSafely } from './checked-arguments.ts';
import { UnusableSchemaError } from '../schema/model-schema.ts';
import { isUsableName, modelTool, type ModelTool } from './model-tool.ts';

/** The tools of one server as LangChain tools, and the tools that had to be left out. */
export interface ConvertedTools {
  /** By the original name of the tool, in the order of the server. */
  readonly tools: ReadonlyMap<string, { readonly tool: DynamicStructuredTool; readonly definition: JsonObject }>;
  /** One error for each reason to leave tools out. */
  readonly failures: readonly CredenceError[];
}

/** The maximum size of all input schemas of a server together, in values. */
const MAX_VALUES = 500_000;

/**
 * Converts the definitions of a server's tools, each on its own, so that a tool that cannot be used does not harm the others. Never
 * throws for a definition.
 */
export async function langchainTools(
  server: string,
  client: CallingClient,
  definitions: readonly JsonObject[],
  options: AdaptOptions,
): Promise<ConvertedTools> {
  const tools = new Map<string, { tool: DynamicStructuredTool; definition: JsonObject }>();
  const repeated = new Set<string>();
  const unusable = new Map<string, string>();
  let badlyNamed = 0;
  let allValues = 0;
  for (const definition of definitions) {
    const name = definition['name'];
    if (typeof name !== 'string' || !isUsableName(name)) badlyNamed += 1;
    else if (tools.has(name) || unusable.has(name)) repeated.add(name);
    else {
      try {
        const { tool: described, values } = modelTool(name, definition);
        allValues += values;
        if (allValues > MAX_VALUES) throw new UnusableSchemaError('makes all schemas of the server too large together');
        const original = isJsonObject(definition['inputSchema']) ? definition['inputSchema'] : {};
        const tool = await converted(server, client, { tool: described, original }, options);
        tools.set(name, { tool, definition });
      } catch (error) {
        unusable.set(name, error instanceof UnusableSchemaError ? error.message : 'cannot be converted');
      }
    }
  }
  const failures = [
    ...(badlyNamed === 0 ? [] : [withBadNames(server, badlyNamed)]),
    ...(repeated.size === 0 ? [] : [listedTwice(server, [...repeated])]),
    ...(unusable.size === 0 ? [] : [withBadSchemas(server, unusable)]),
  ];
  return { tools, failures };
}

async function converted(
  server: string,
  client: CallingClient,
  { tool, original }: { tool: ModelTool; original: JsonObject },
  options: AdaptOptions,
): Promise<DynamicStructuredTool> {
  const { inputSchema, ...others } = tool;
  const { schema, restored } = portableSchema(inputSchema);
  const langchainTool = await adaptedTool(server, client, others, options);
  if (!langchainTool) throw new UnusableSchemaError('cannot be converted');
  langchainTool.schema = schema;
  checkArgumentsSafely(langchainTool, { restored, fault: argumentsChecker(original) });
  return langchainTool;
}

const LEFT_OUT = "Ask the server's owner to correct this. Until then these tools are left out.";

function withBadNames(server: string, count: number): CredenceError {
  return leftOut(
    server,
    `Server "${server}" lists tools without a usable name (${count}): a name has 1 to 256 characters and no invisible ones.`,
    LEFT_OUT,
  );
}

function listedTwice(server: string, names: readonly string[]): CredenceError {
  return leftOut(
    server,
    `Server "${server}" lists more than one tool of the same name: ${identifier(names)}.`,
    "Ask the server's owner to correct this. Until then the first tool of each name is used.",
  );
}

function withBadSchemas(server: string, reasons: ReadonlyMap<string, string>): CredenceError {
  const names = [...reasons.keys()];
  const [reason] = reasons.values();
  return leftOut(
    server,
    `Server "${server}" has tools whose input schema cannot be used: ${identifier(names)}. The schema of the first one ${reason}.`,
    LEFT_OUT,
  );
}

function leftOut(server: string, message: string, remedy: string): CredenceError {
  return new CredenceError({ code: 'invalid_response', leg: 'call', message, remedy, contact: 'server-owner', server });
}
