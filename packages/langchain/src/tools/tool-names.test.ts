import { describe, expect, it } from '@jest/globals';
import type { ToolOrigin } from './origin.ts';
import { toolNames } from './tool-names.ts';

/** Names by `server/tool`, as they are with these configured servers. */
function names(tools: Readonly<Record<string, readonly string[]>>, servers = Object.keys(tools)) {
  const origins: ToolOrigin[] = Object.entries(tools).flatMap(([server, own]) => own.map((tool) => ({ server, tool })));
  const given = toolNames(origins, servers);
  return Object.fromEntries(origins.map(({ server, tool }, index) => [`${server}/${tool}`, given[index] ?? '']));
}

const ACCEPTED = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/u;
const HASHED = /_[0-9a-f]{16}$/u;

describe('toolNames', () => {
  it('joins the names of server and tool', () => {
    expect(names({ linear: ['create_issue', 'list-issues'], x: ['a__b'] })).toEqual({
      'linear/create_issue': 'linear__create_issue',
      'linear/list-issues': 'linear__list-issues',
      'x/a__b': 'x__a__b',
    });
  });

  it.each([
    ['mcp.linear.app', 'issues/create', 'mcp_linear_app__issues_create'],
    ['9gag', 'top', '_9gag__top'],
    ['-x', 'y', '_-x__y'],
    ['s', 'größe', 's__gr__e'],
    ['s', 'line\nbreak "quoted"', 's__line_break__quoted_'],
    ['s', '\u{e0041}\u{1f600}', 's____'],
    ['s', ' ', 's___'],
  ])('makes a name that model providers accept of server %j and tool %j', (server, tool, name) => {
    expect(names({ [server]: [tool] })).toEqual({ [`${server}/${tool}`]: name });
    expect(name).toMatch(ACCEPTED);
  });

  it.each<[string, Record<string, string[]>]>([
    ['a tool name that contains the name of the other server', { x: ['a__b'], x__a: ['b'] }],
    ['server names that differ only in - and _', { 'my-server': ['read'], my_server: ['read'] }],
    ['server names that differ only in a forbidden character', { 'a.b': ['tool'], a_b: ['tool'] }],
    ['- and _ on different sides', { 'x-_a': ['b'], x: ['a__b'] }],
    ['an underscore at the end of the server or the start of the tool', { a_: ['b'], a: ['_b'] }],
    ['a leading digit', { '9a': ['b'], _9a: ['b'] }],
    ['three servers', { x: ['a__b__c'], x__a: ['b__c'], x__a__b: ['c'] }],
    ['names of one server that differ only in - and _', { s: ['read-file', 'read_file'] }],
    ['names of one server that differ only in forbidden characters', { s: ['read.file', 'read/file', 'read file'] }],
    ['look-alike letters in one server', { s: ['аdmin', 'âdmin'] }],
    ['long names', { s: [`${'x'.repeat(80)}1`, `${'x'.repeat(80)}2`] }],
    ['long server names', { [`${'s'.repeat(63)}1`]: ['read'], [`${'s'.repeat(63)}2`]: ['read'] }],
  ])('hashes every tool whose name is ambiguous because of %s', (_why, tools) => {
    const given = Object.values(names(tools));
    for (const name of given) {
      expect(name).toMatch(HASHED);
      expect(name).toMatch(ACCEPTED);
    }
    expect(new Set(given.map((name) => name.replaceAll('-', '_'))).size).toBe(given.length);
  });

  it('does not depend on the order of servers and tools', () => {
    const tools = { x: ['a__b', 'c'], x__a: ['b', 'd'], 'x.a': ['b'], other: ['read-it', 'read_it'] };
    const reversed = Object.fromEntries(
      Object.entries(tools)
        .toReversed()
        .map(([server, own]) => [server, own.toReversed()]),
    );
    expect(names(reversed)).toEqual(names(tools));
  });

  it('does not change a name when another server cannot be reached, or has other tools', () => {
    const all = names({ x: ['a__b', 'c'], x__a: ['b'] });
    const servers = ['x', 'x__a'];
    expect(names({ x: ['a__b', 'c'] }, servers)).toEqual({ 'x/a__b': all['x/a__b'], 'x/c': 'x__c' });
    expect(names({ x__a: ['b'], x: ['new'] }, servers)).toMatchObject({ 'x__a/b': all['x__a/b'] });
  });

  it('does not let a tool have the hashed name of another tool', () => {
    const victim = names({ x__a: ['b'], x: [] })['x__a/b'] ?? '';
    const forged = victim.slice('x__'.length);
    const dashed = forged.replace(/_(?=[0-9a-f]{16}$)/u, '-');
    for (const tool of [forged, dashed]) {
      const given = names({ x: [tool], x__a: ['b'] })[`x/${tool}`] ?? '';
      expect(given.replaceAll('-', '_')).not.toBe(victim.replaceAll('-', '_'));
    }
    const ownHash = names({ s: ['a-b', 'a_b'] })['s/a_b'] ?? '';
    const copy = ownHash.slice('s__'.length).replace(/_(?=[0-9a-f]{16}$)/u, '-');
    expect(names({ s: ['a-b', 'a_b', copy] })[`s/${copy}`]).not.toBe(ownHash.replace(/_(?=[0-9a-f]{16}$)/u, '-'));

    const long = `lo__${'n'.repeat(58)}`;
    const hidden = names({ [long]: ['read'] })[`${long}/read`] ?? '';
    const copied = hidden.slice('lo__'.length);
    expect(names({ lo: [copied], [long]: ['read'] })[`lo/${copied}`]).not.toBe(hidden);
  });

  it('names ten thousand tools with names of all kinds without two equal names', () => {
    const parts = ['a', '_', '-', '.', 'a_', '-a', 'b__c', '9'];
    const words = parts.flatMap((one) => parts.flatMap((two) => parts.map((three) => `${one}${two}${three}`)));
    const servers = words.slice(0, 20);
    const given = Object.values(names(Object.fromEntries(servers.map((server) => [server, words]))));
    expect(given).toHaveLength(20 * new Set(words).size);
    expect(new Set(given.map((name) => name.replaceAll('-', '_'))).size).toBe(given.length);
    for (const name of given) expect(name).toMatch(ACCEPTED);
  });
});
