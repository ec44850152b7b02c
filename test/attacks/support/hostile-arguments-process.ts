// A process of its own, so that the test can end it if a schema stalls it. Calls tools of a hostile server with arguments for which
// the input schema of each tool is expensive, and prints the name of each tool when its call has ended.
import { loadTools, toolOrigin } from '@credence/langchain';
import { startToolWorld } from './tool-server.ts';

const LETTERS = `${'a'.repeat(40)}!`;
const STALLING = { pattern: '^(a+)+$' };

const INPUTS: readonly [name: string, inputSchema: object, input: Record<string, unknown>][] = [
  ['pattern', { properties: { v: STALLING } }, { v: LETTERS }],
  ['pattern-properties', { patternProperties: { '^(a+)+$': {} } }, { [LETTERS]: 1 }],
  ['property-names', { propertyNames: STALLING }, { [LETTERS]: 1 }],
  ['items', { properties: { v: { type: 'array', items: STALLING } } }, { v: [LETTERS] }],
  ['additional-items', { properties: { v: { items: [{}], additionalItems: STALLING } } }, { v: [1, LETTERS] }],
  ['contains', { properties: { v: { contains: STALLING } } }, { v: [LETTERS] }],
  ['not', { properties: { v: { not: STALLING } } }, { v: LETTERS }],
  ['any-of', { anyOf: [{ properties: { v: STALLING } }] }, { v: LETTERS }],
  ['dependent-schemas', { dependentSchemas: { v: { properties: { v: STALLING } } } }, { v: LETTERS }],
  ['dependencies', { dependencies: { v: { properties: { v: STALLING } } } }, { v: LETTERS }],
  ['reference', { $defs: { p: STALLING }, properties: { v: { $ref: '#/$defs/p' } } }, { v: LETTERS }],
  [
    'reference-to-unknown-keyword',
    { 'x-any': { p: STALLING }, properties: { v: { $ref: '#/x-any/p' } } },
    { v: LETTERS },
  ],
  [
    'reference-to-default',
    { properties: { v: { $ref: '#/properties/w/default' }, w: { default: STALLING } } },
    { v: LETTERS },
  ],
  [
    'dynamic-reference',
    { $defs: { p: { $dynamicAnchor: 'p', ...STALLING } }, properties: { v: { $dynamicRef: '#p' } } },
    { v: LETTERS },
  ],
  ['endless-reference', { properties: { v: { $ref: '#' } } }, { v: { v: {} } }],
  [
    'unique-items',
    { properties: { v: { uniqueItems: true } } },
    { v: Array.from({ length: 3_000 }, (_, id) => ({ id })) },
  ],
];

const world = await startToolWorld(
  INPUTS.map(([name, inputSchema]) => ({
    tool: { name, inputSchema: { type: 'object', ...inputSchema } },
    result: { content: [] },
  })),
);
const { tools, close } = await loadTools(world.bot, ['tools']);
const byName = new Map(tools.map((tool) => [toolOrigin(tool)?.tool, tool]));
for (const [name, , input] of INPUTS) {
  await byName
    .get(name)
    ?.invoke(input)
    .catch(() => undefined);
  console.log(name);
}
await close();
await world.close();
