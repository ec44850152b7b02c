import { cleanLines, cleanText, isJsonObject, type JsonObject } from '@credence/protocol';
import type { ListedPrompt, ListedResource, ListedResourceTemplate, PromptArgument } from './types.ts';

const MAX_KEY = 2_048;
const MAX_DESCRIPTION = 8_000;
const MAX_ARGUMENTS = 100;

/** The entry of a list of resources. Undefined if its URI cannot be used. */
export function listedResource(server: string, item: JsonObject): ListedResource | undefined {
  const { uri, size } = item;
  if (!isKey(uri)) return undefined;
  return { server, uri, ...texts(item), ...(typeof size === 'number' && { size }) };
}

/** The entry of a list of resource templates. Undefined if its template cannot be used. */
export function listedResourceTemplate(server: string, item: JsonObject): ListedResourceTemplate | undefined {
  const { uriTemplate } = item;
  return isKey(uriTemplate) ? { server, uriTemplate, ...texts(item) } : undefined;
}

/** The entry of a list of prompts. Undefined if its name cannot be used. */
export function listedPrompt(server: string, item: JsonObject): ListedPrompt | undefined {
  const { name, arguments: list } = item;
  if (!isKey(name)) return undefined;
  const { mimeType: _mimeType, ...others } = texts(item);
  const known = (Array.isArray(list) ? list : []).slice(0, MAX_ARGUMENTS).flatMap(promptArgument);
  return { server, ...others, name, arguments: known };
}

function promptArgument(argument: unknown): readonly PromptArgument[] {
  if (!isJsonObject(argument) || !isKey(argument['name'])) return [];
  const { name, description, required } = argument;
  return [{ name, ...textOf('description', description, MAX_DESCRIPTION), required: required === true }];
}

function texts(item: JsonObject): Pick<ListedResource, 'name' | 'title' | 'description' | 'mimeType'> {
  const { name, title, description, mimeType } = item;
  return {
    name: typeof name === 'string' ? cleanText(name) : '',
    ...textOf('title', title),
    ...textOf('description', description, MAX_DESCRIPTION),
    ...textOf('mimeType', mimeType),
  };
}

function textOf<Name extends string>(name: Name, value: unknown, max?: number): { [name in Name]?: string } {
  if (typeof value !== 'string') return {};
  const clean = max === undefined ? cleanText(value) : cleanLines(value, { max });
  return { [name]: clean } as { [name in Name]?: string };
}

/** Whether a text can be used in a request as it is: nothing in it is hidden. */
export function isKey(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_KEY) return false;
  return cleanText(`"${value}"`, { max: MAX_KEY + 2 }) === `"${value}"`;
}
