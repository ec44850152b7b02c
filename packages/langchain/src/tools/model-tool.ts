import { cleanLines, cleanText, isJsonObject, type JsonObject } from '@credence/protocol';
import { modelSchema } from '../schema/model-schema.ts';

/** The maximum length of the description of a tool, in UTF-16 code units. */
const MAX_DESCRIPTION = 8_000;

/** The members of `ToolAnnotations` (MCP, Schema). */
const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const;

/** The part of a tool that mcp-adapters converts. */
export interface ModelTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly annotations: JsonObject;
}

/** Whether a tool can have this name: it has 1 to 256 characters, none of them a control or an invisible one. */
export function isUsableName(name: string): boolean {
  return name !== '' && name.length <= 256 && cleanText(`"${name}"`) === `"${name}"`;
}

/**
 * A tool with texts that are safe to give to a model: no control and invisible characters, and a limited length. Line breaks and tabs
 * stay in descriptions. The name stays as it is, because calls need it. `values` is the size of its schema. Throws an
 * UnusableSchemaError.
 */
export function modelTool(name: string, definition: JsonObject): { tool: ModelTool; values: number } {
  const { description, annotations, inputSchema } = definition;
  const { schema, values } = modelSchema(isJsonObject(inputSchema) ? inputSchema : {});
  const tool = {
    name,
    description: typeof description === 'string' ? cleanLines(description, { max: MAX_DESCRIPTION }) : '',
    inputSchema: schema,
    annotations: isJsonObject(annotations) ? modelAnnotations(annotations) : {},
  };
  return { tool, values };
}

function modelAnnotations(annotations: JsonObject): JsonObject {
  const { title } = annotations;
  return {
    ...(typeof title === 'string' && { title: cleanText(title) }),
    ...Object.fromEntries(
      HINTS.map((hint) => [hint, annotations[hint]]).filter(([, value]) => typeof value === 'boolean'),
    ),
  };
}
