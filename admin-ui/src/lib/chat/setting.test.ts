import { expect, it } from 'vitest';
import { emptySetting, sampleTool, settingOf } from './setting';

it('takes what is set and tells what is no number', () => {
  const setting = settingOf({ ...emptySetting(), temperature: '0', top_p: 'much', max_tokens: '1.5', effort: 'low', stop: ['END'], tools: [sampleTool(), { ...sampleTool(), used: false }, { ...sampleTool(), parameters: '{' }] });
  expect(setting.params).toEqual({ temperature: 0, effort: 'low', stop: ['END'] });
  expect(setting.wrong).toEqual(['top_p', 'max_tokens']);
  expect(setting.tools.map((tool) => tool.name)).toEqual(['get_weather']);
});
