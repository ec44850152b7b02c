import { describe, expect, it } from '@jest/globals';
import { ToolNames } from './tool-names.ts';

describe('ToolNames', () => {
  it('joins the names of server and tool', () => {
    expect(new ToolNames().nameOf('linear', 'create_issue')).toBe('linear__create_issue');
  });

  it('replaces characters that model providers do not allow', () => {
    expect(new ToolNames().nameOf('mcp.linear.app/eu', 'issues/create')).toBe('mcp_linear_app_eu__issues_create');
  });

  it('makes equal names unique by a hash that is the same in every run', () => {
    const names = new ToolNames();
    const again = new ToolNames();
    const [first, second] = [names.nameOf('a.b', 'tool'), names.nameOf('a_b', 'tool')];
    expect(first).toBe('a_b__tool');
    expect(second).toMatch(/^a_b__tool_[0-9a-f]{8}$/u);
    expect([again.nameOf('a.b', 'tool'), again.nameOf('a_b', 'tool')]).toEqual([first, second]);
  });

  it('shortens long names and keeps them unique', () => {
    const names = new ToolNames();
    const long = 'x'.repeat(80);
    const [first, second] = [names.nameOf('s', `${long}1`), names.nameOf('s', `${long}2`)];
    expect(first).toHaveLength(64);
    expect(second).toHaveLength(64);
    expect(first).not.toBe(second);
    expect(`${first}${second}`).toMatch(/^[A-Za-z0-9_-]+$/u);
  });
});
