import type { JsonObject } from '@credence/protocol';
import { DynamicStructuredTool } from '@langchain/core/tools';
import { describe, expect, it } from '@jest/globals';
import { HeldTools } from './held-tools.ts';

const OPTIONS = {
  servers: ['s', 'other'],
  onRefused: 'message',
  maxLeft: 3,
  access: { prepare: () => undefined, define: () => undefined },
} as const;

function converted(name: string, definition: JsonObject = { name }) {
  const { description = '', schema = { type: 'object' } } = definition as { description?: string; schema?: object };
  const tool = new DynamicStructuredTool({
    name,
    description,
    schema: schema as JsonObject,
    responseFormat: 'content_and_artifact',
    func: async () => Promise.resolve([`${name} with ${description}`, undefined]),
  });
  return [name, { tool, definition }] as const;
}

function list(...tools: ReturnType<typeof converted>[]) {
  return new Map(tools);
}

describe('HeldTools', () => {
  it('keeps a tool as the same object, whatever the order and the others are', () => {
    const held = new HeldTools('s', OPTIONS);
    held.replace(list(converted('one'), converted('two')));
    const [one, two] = held.listed;
    const change = held.replace(list(converted('two'), converted('three'), converted('one')));
    expect(held.listed).toEqual([two, expect.objectContaining({ name: 's__three' }), one]);
    expect(held.listed[0]).toBe(two);
    expect(held.listed[2]).toBe(one);
    expect(change).toMatchObject({ joined: [{ name: 's__three' }], changed: [], left: [] });
  });

  it('does not report a definition whose members have another order', () => {
    const held = new HeldTools('s', OPTIONS);
    held.replace(list(converted('one', { name: 'one', description: 'd' })));
    const { changed } = held.replace(list(converted('one', { description: 'd', name: 'one' })));
    expect(changed).toEqual([]);
  });

  it('gives the same object another description and function, and keeps its name and origin', async () => {
    const held = new HeldTools('s', OPTIONS);
    held.replace(list(converted('one', { name: 'one', description: 'old' })));
    const [one] = held.listed;
    const { changed } = held.replace(list(converted('one', { name: 'one', description: 'new' })));
    expect(changed).toEqual([one]);
    expect(one).toMatchObject({
      name: 's__one',
      description: 'new',
      metadata: { credence: { server: 's', tool: 'one' } },
    });
    expect(await one?.invoke({})).toBe('one with new');
  });

  it('keeps a limited number of tools that have left, and forgets the ones that left first', () => {
    const held = new HeldTools('s', OPTIONS);
    const forgotten: string[] = [];
    for (let turn = 1; turn <= 100; turn += 1) forgotten.push(...held.replace(list(converted(`t${turn}`))).forgotten);
    expect(forgotten).toEqual(Array.from({ length: 96 }, (_, index) => `t${index + 1}`));
  });

  it('lets a forgotten tool join as a new object, and the old object stays without effect', async () => {
    const held = new HeldTools('s', { ...OPTIONS, maxLeft: 0 });
    held.replace(list(converted('one')));
    const [old] = held.listed;
    held.replace(list());
    held.replace(list(converted('one')));
    expect(held.listed[0]).not.toBe(old);
    expect(held.listed[0]?.name).toBe(old?.name);
    await expect(old?.invoke({})).rejects.toMatchObject({ cause: { code: 'tool_removed' } });
    expect(await held.listed[0]?.invoke({})).toBe('one with ');
  });

  it('never gives two tools the same name while they come and go, also with - and _ as the same character', () => {
    const held = new HeldTools('s', { ...OPTIONS, maxLeft: 1_000 });
    const names = ['a-b', 'a_b', 'a.b', 'A_b', 'other__x'];
    const seen = new Map<string, string>();
    for (let mask = 1; mask < 2 ** names.length; mask += 1) {
      const present = names.filter((_, index) => (mask & (2 ** index)) !== 0);
      held.replace(list(...present.map((name) => converted(name))));
      expect(held.listed).toHaveLength(present.length);
      for (const [index, tool] of held.listed.entries()) {
        const compared = tool.name.replaceAll('-', '_');
        expect(seen.get(compared) ?? present[index]).toBe(present[index]);
        seen.set(compared, present[index] ?? '');
        expect(tool.name).toMatch(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/u);
      }
    }
    expect(seen.size).toBe(names.length);
  });
});
