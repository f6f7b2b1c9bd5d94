import { BarChart } from 'echarts/charts';
import { AriaComponent, GridComponent, MarkAreaComponent } from 'echarts/components';
import * as core from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

core.use([BarChart, GridComponent, MarkAreaComponent, AriaComponent, SVGRenderer]);

export { core };
